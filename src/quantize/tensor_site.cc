#include "quantize/tensor_site.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <variant>

#include "base/format.h"
#include "base/try.h"

namespace braid::quantize {

namespace {

constexpr int kMaxLayers = 1 << 16;

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Purpose FindPurpose(std::string_view name) {
  struct Row {
    std::string_view part;
    Purpose purpose;
  };
  // The first hit counts.
  constexpr Row kRows[] = {
      {"attn_qkv.weight", Purpose::kAttentionValue},
      {"attn_kv_b.weight", Purpose::kAttentionValue},
      {"attn_v.weight", Purpose::kAttentionValue},
      {"attn_k.weight", Purpose::kAttentionKey},
      {"attn_output.weight", Purpose::kAttentionOutput},
      {"ffn_down", Purpose::kFeedForwardDown},
  };
  if (name == "output.weight") return Purpose::kOutput;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") {
    return Purpose::kTokenEmbedding;
  }
  for (const Row& row : kRows) {
    if (Has(name, row.part)) return row.purpose;
  }
  return Purpose::kOther;
}

// What `key` says for every layer: a number, or an array of them.
Result<std::vector<int64_t>> ByLayer(const gguf::File& file,
                                     const std::string& key, int layers) {
  const gguf::Value* value = file.Find(key);
  if (value == nullptr) return std::vector<int64_t>{};
  const auto* array = std::get_if<gguf::Array>(value);
  if (array == nullptr) {
    BRAID_ASSIGN(const int64_t number, file.GetInt(key));
    return std::vector<int64_t>(static_cast<size_t>(layers), number);
  }
  std::vector<int64_t> numbers;
  if (const auto* u32 = std::get_if<std::vector<uint32_t>>(&array->elements)) {
    numbers.assign(u32->begin(), u32->end());
  } else if (const auto* i32 =
                 std::get_if<std::vector<int32_t>>(&array->elements)) {
    numbers.assign(i32->begin(), i32->end());
  } else {
    return Error{Format("{}: expected an array of integers, file has {}", key,
                        gguf::TypeText(*value))};
  }
  return numbers;
}

}  // namespace

TensorSite FindSite(std::string_view name) {
  TensorSite site{FindPurpose(name), "", -1};
  for (const std::string_view stack : {"enc.", "dec."}) {
    if (!name.starts_with(stack)) continue;
    site.stack = stack;
    name.remove_prefix(stack.size());
  }
  if (!name.starts_with("blk.")) return site;
  name.remove_prefix(4);
  int layer = -1;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), layer);
  if (error == std::errc() && layer >= 0 && layer < kMaxLayers) {
    site.layer = layer;
  }
  return site;
}

bool IsQuantizable(const gguf::TensorInfo& tensor) {
  constexpr std::string_view kKept[] = {
      "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight",
      "ssm_conv1d", "shortconv.conv.weight", "attn_rel_b.weight",
      // RWKV: first-token bonus and the low-rank parts of mixing and decay
      "time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight",
      "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight",
      "time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight",
      "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
      "time_mix_decay_w1.weight", "time_mix_decay_w2.weight",
      "time_mix_lerp_fused.weight",
      // Gemma 3n, MiniMax, vision
      "altup", "laurel", "per_layer_model_proj", "indexer.k_proj.weight",
      "indexer.q_proj.weight", ".position_embd", ".rel_pos", ".patch_embd",
      ".patch_merger"};
  const std::string_view name = tensor.name;
  if (!name.ends_with("weight")) return false;
  if (name == "position_embd.weight" || name == "token_types.weight") {
    return false;
  }
  const bool is_vector =
      std::all_of(tensor.shape.begin() + (tensor.shape.empty() ? 0 : 1),
                  tensor.shape.end(), [](uint64_t size) { return size == 1; });
  return !is_vector &&
         std::none_of(std::begin(kKept), std::end(kKept),
                      [&](std::string_view part) { return Has(name, part); });
}

Result<Census> Census::Take(const gguf::File& file) {
  Census census;
  BRAID_ASSIGN(const std::string_view architecture,
               file.GetString("general.architecture", ""));
  const std::string prefix = std::string(architecture) + ".";
  BRAID_ASSIGN(const int64_t layers, file.GetInt(prefix + "block_count", 0));
  if (layers < 0 || layers > kMaxLayers) {
    return Error{Format("{}block_count: {} is not in [0, {}]", prefix, layers,
                        kMaxLayers)};
  }
  BRAID_ASSIGN(const int64_t experts, file.GetInt(prefix + "expert_count", 0));
  const int count = static_cast<int>(layers);
  BRAID_ASSIGN(const std::vector<int64_t> heads,
               ByLayer(file, prefix + "attention.head_count", count));
  BRAID_ASSIGN(const std::vector<int64_t> key_heads,
               ByLayer(file, prefix + "attention.head_count_kv", count));
  for (size_t i = 0; i < std::min(heads.size(), key_heads.size()); ++i) {
    const bool attends = heads[i] > 0 && key_heads[i] > 0;
    const int64_t ratio = attends ? heads[i] / key_heads[i] : 0;
    census.queries_per_key_.push_back(
        static_cast<int>(std::min<int64_t>(ratio, kMaxLayers)));
  }
  census.experts_ = static_cast<int>(std::clamp<int64_t>(experts, 0, 1 << 20));
  census.falcon_ = architecture == "falcon";
  census.seventy_billion_ = architecture == "llama" && layers == 80 &&
                            !census.queries_per_key_.empty() &&
                            census.queries_per_key_[0] > 1;
  census.tied_ = file.FindTensor("output.weight") == nullptr;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    const TensorSite site = FindSite(tensor.name);
    if (!std::string_view(tensor.name).ends_with("weight")) continue;
    census.layers_[{site.stack, site.purpose}].insert(site.layer);
  }
  return census;
}

Place Census::Find(std::string_view name) const {
  Place place{.site = FindSite(name)};
  const auto layers = layers_.find({place.site.stack, place.site.purpose});
  if (layers != layers_.end()) {
    place.rank = static_cast<int>(std::distance(
        layers->second.begin(), layers->second.lower_bound(place.site.layer)));
    place.count = static_cast<int>(layers->second.size());
  }
  const auto layer = static_cast<size_t>(place.site.layer);
  if (place.site.layer >= 0 && layer < queries_per_key_.size()) {
    place.queries_per_key = queries_per_key_[layer];
  }
  return place;
}

}  // namespace braid::quantize
