#include "tests/golden/rwkv_container.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "gguf/tensor_type.h"
#include "gguf/writer.h"

namespace braid {

namespace {

constexpr int32_t kMagic = 0x67676D66;  // "ggmf"
constexpr int32_t kVersion = 101;

struct Tensor {
  std::string name;
  uint32_t type = 0;            // as GGUF counts
  std::vector<uint64_t> shape;  // the contiguous dimension first
  std::span<const std::byte> data;
};

struct Container {
  int32_t vocabulary = 0;
  int32_t width = 0;
  int32_t layers = 0;
  std::vector<Tensor> tensors;
};

// Takes values off the front of the file's bytes.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }
  std::span<const std::byte> Bytes(size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      count = rest_.size();
    }
    const auto bytes = rest_.first(count);
    rest_ = rest_.subspan(count);
    return bytes;
  }
  int32_t Int() {
    int32_t value = 0;
    const auto bytes = Bytes(sizeof(value));
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  bool ok() const { return ok_; }

 private:
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

// The two types of the files that are read here.
Result<uint32_t> GgufType(int32_t type) {
  if (type == 0) return uint32_t{gguf::TensorTypeId::kF32};
  if (type == 8) return uint32_t{gguf::TensorTypeId::kQ5_1};
  return Error{Format("rwkv.cpp type {}", type)};
}

uint64_t DataBytes(const Tensor& tensor) {
  uint64_t elements = 1;
  for (const uint64_t size : tensor.shape) elements *= size;
  return tensor.type == gguf::TensorTypeId::kF32 ? elements * 4
                                                 : elements / 32 * 24;
}

Result<Container> Read(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  const int32_t magic = reader.Int();
  const int32_t version = reader.Int();
  if (magic != kMagic || version != kVersion) {
    return Error{Format("magic {}, version {}", magic, version)};
  }
  Container container;
  container.vocabulary = reader.Int();
  container.width = reader.Int();
  container.layers = reader.Int();
  reader.Int();
  while (reader.ok() && !reader.done()) {
    Tensor tensor;
    const int32_t dimensions = reader.Int();
    const int32_t length = reader.Int();
    BRAID_ASSIGN(tensor.type, GgufType(reader.Int()));
    for (int32_t i = 0; i < dimensions; ++i) {
      tensor.shape.push_back(static_cast<uint64_t>(reader.Int()));
    }
    const auto name = reader.Bytes(static_cast<size_t>(length));
    tensor.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    tensor.data = reader.Bytes(DataBytes(tensor));
    container.tensors.push_back(std::move(tensor));
  }
  if (!reader.ok()) return Error{"the file ends in a tensor"};
  return container;
}

// Names of a layer, without .weight; of the others the part behind the dot is
// kept: att.w1 is time_mix_w1.
const std::map<std::string_view, std::string_view> kNames = {
    {"emb", "token_embd"},
    {"blocks.0.ln0", "token_embd_norm"},
    {"ln_out", "output_norm"},
    {"head", "output"},
    {"ln1", "attn_norm"},
    {"ln2", "attn_norm_2"},
    {"att.ln_x", "time_mix_ln"},
    {"att.time_maa_x", "time_mix_lerp_x"},
    {"att.time_maa_w", "time_mix_lerp_w"},
    {"att.time_maa_k", "time_mix_lerp_k"},
    {"att.time_maa_v", "time_mix_lerp_v"},
    {"att.time_maa_r", "time_mix_lerp_r"},
    {"att.time_maa_g", "time_mix_lerp_g"},
    {"att.time_maa_w1", "time_mix_w1"},
    {"att.time_maa_w2", "time_mix_w2"},
    {"att.time_faaaa", "time_mix_first"},
    {"att.time_decay", "time_mix_decay"},
    {"att.time_decay_w1", "time_mix_decay_w1"},
    {"att.time_decay_w2", "time_mix_decay_w2"},
    {"att.x_rwkvag", "time_mix_lerp_fused"},
    {"ffn.time_maa_k", "channel_mix_lerp_k"},
    {"ffn.time_maa_r", "channel_mix_lerp_r"},
    {"ffn.x_k", "channel_mix_lerp_k"},
};

std::string TargetName(std::string_view name) {
  std::string_view end = ".weight";
  if (name.ends_with(".bias")) end = ".bias";
  if (name.ends_with(end)) name.remove_suffix(end.size());
  std::string target;
  if (name.starts_with("blocks.") && !kNames.contains(name)) {
    name.remove_prefix(std::string_view("blocks.").size());
    const size_t dot = name.find('.');
    target = "blk." + std::string(name.substr(0, dot)) + ".";
    name.remove_prefix(dot + 1);
  }
  if (const auto found = kNames.find(name); found != kNames.end()) {
    target += found->second;
  } else {
    target += name.starts_with("att.") ? "time_mix_" : "channel_mix_";
    target += name.substr(name.find('.') + 1);
  }
  return target + std::string(end);
}

// Vectors have several dimensions here and one in GGUF.
std::vector<uint64_t> TargetShape(const Tensor& tensor, uint64_t width) {
  std::vector<uint64_t> shape = tensor.shape;
  if (tensor.name.ends_with("x_rwkvag")) return {width, 1, 1, 6};
  std::erase(shape, uint64_t{1});
  uint64_t elements = 1;
  for (const uint64_t size : shape) elements *= size;
  if (elements == width && !tensor.name.ends_with("time_faaaa")) return {width};
  return shape;
}

class Description {
 public:
  explicit Description(const Container& container) {
    for (const Tensor& tensor : container.tensors) {
      shapes_[TargetName(tensor.name)] = tensor.shape;
    }
    rwkv7_ = shapes_.contains("blk.0.time_mix_r_k.weight");
    architecture_ = rwkv7_ ? "rwkv7" : "rwkv6";
    Text("general.architecture", architecture_);
    Count(".block_count", static_cast<uint64_t>(container.layers));
    Count(".context_length", 1 << 20);
    Count(".embedding_length", static_cast<uint64_t>(container.width));
    Count(".feed_forward_length", Outputs("channel_mix_key"));
    keys_.push_back(architecture_ + ".attention.layer_norm_epsilon");
    metadata.push_back({keys_.back(), 1e-5f});
    if (rwkv7_) {
      Count(".wkv.head_size", shapes_["blk.0.time_mix_r_k.weight"][0]);
      Count(".attention.decay_lora_rank", Outputs("time_mix_w1"));
      Count(".attention.iclr_lora_rank", Outputs("time_mix_a1"));
      Count(".attention.value_residual_mix_lora_rank", Outputs("time_mix_v1"));
      Count(".attention.gate_lora_rank", Outputs("time_mix_g1"));
    } else {
      Count(".wkv.head_size", Outputs("time_mix_first"));
      Count(".time_mix_extra_dim", shapes_["blk.1.time_mix_w2.weight"][0]);
      Count(".time_decay_extra_dim", Outputs("time_mix_decay_w1"));
    }
    AddBytesAsTokens(container.vocabulary);
  }

  std::vector<gguf::KeyValue> metadata;

 private:
  uint64_t Outputs(const std::string& name) {
    return shapes_["blk.1." + name + ".weight"][1];
  }
  void Count(const std::string& key, uint64_t value) {
    keys_.push_back(architecture_ + key);
    metadata.push_back({keys_.back(), static_cast<uint32_t>(value)});
  }
  void Text(std::string_view key, std::string_view value) {
    metadata.push_back({key, value});
  }
  void AddBytesAsTokens(int32_t vocabulary) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::vector<std::string_view> tokens;
    for (int32_t i = 0; i < vocabulary; ++i) {
      keys_.push_back(std::string("\\x") + kDigits[(i / 16) % 16] +
                      kDigits[i % 16]);
      tokens.push_back(keys_.back());
    }
    Text("tokenizer.ggml.model", "rwkv");
    metadata.push_back({"tokenizer.ggml.tokens",
                        gguf::Array{gguf::ValueType::kString, tokens}});
    metadata.push_back({"tokenizer.ggml.token_type",
                        gguf::Array{gguf::ValueType::kI32,
                                    std::vector<int32_t>(tokens.size(), 1)}});
  }

  std::map<std::string, std::vector<uint64_t>> shapes_;
  std::string architecture_;
  bool rwkv7_ = false;
  std::deque<std::string> keys_;  // views of them are in the metadata
};

}  // namespace

Status ConvertRwkvContainer(const std::string& path,
                            const std::string& gguf_path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  BRAID_ASSIGN(const Container container, Read(std::as_bytes(std::span(text))));
  Description description(container);
  gguf::Contents contents;
  contents.metadata = description.metadata;
  for (const Tensor& tensor : container.tensors) {
    gguf::TensorInfo info;
    info.name = TargetName(tensor.name);
    info.type = tensor.type;
    info.shape = TargetShape(tensor, static_cast<uint64_t>(container.width));
    contents.tensors.push_back(std::move(info));
  }
  BRAID_ASSIGN(gguf::Writer writer, gguf::Writer::Create(gguf_path, contents));
  for (const Tensor& tensor : container.tensors) {
    BRAID_TRY(writer.Append(tensor.data));
  }
  return writer.Finish();
}

}  // namespace braid
