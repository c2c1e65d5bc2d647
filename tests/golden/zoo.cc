#include "tests/golden/zoo.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <utility>

#include "base/format.h"
#include "base/mapped_file.h"
#include "base/try.h"
#include "convert/conversion.h"
#include "convert/safetensors.h"

namespace braid::zoo {

namespace {

using convert::SourceTensor;

const SourceTensor* Find(std::span<const SourceTensor> tensors,
                         const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &SourceTensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

// The values of a tensor, which is there and has this type.
template <typename T>
Result<std::vector<T>> Values(std::span<const SourceTensor> tensors,
                              const std::string& name, const char* type) {
  const SourceTensor* tensor = Find(tensors, name);
  if (tensor == nullptr) return Error{name + ": not there"};
  if (tensor->stored != type) {
    return Error{
        Format("{}: expected {}, file has {}", name, type, tensor->stored)};
  }
  std::vector<T> values(tensor->bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  return values;
}

Result<std::unique_ptr<Engine>> Open(const std::string& gguf) {
  auto model = Model::Load(gguf, {});
  if (!model.ok()) return model.error();
  EngineOptions options = {.max_sequences = 2, .kv_type = KvType::kF32};
  if ((*model)->info().bidirectional) options.split = SplitPolicy::kWhole;
  return Engine::Create(*model, options);
}

Difference NoDifference(const Golden& golden) {
  const auto [low, high] = std::ranges::minmax(golden.rows);
  return {.spread = static_cast<double>(high) - low};
}

// Widens `difference` by a row. Values beyond the reference's are padding.
Status Compare(std::span<const float> values, std::span<const float> reference,
               Difference& difference) {
  if (values.size() < reference.size()) {
    return Error{
        Format("expected {} values, got {}", reference.size(), values.size())};
  }
  for (size_t i = 0; i < reference.size(); ++i) {
    const double apart =
        std::abs(static_cast<double>(values[i]) - reference[i]);
    if (!(apart <= difference.largest)) {
      difference.largest =
          std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
    }
  }
  ++difference.positions;
  return {};
}

// Decodes the batch and widens `difference` by its rows.
Status DecodeAndCompare(Engine& engine, const Batch& batch,
                        const Golden& golden, Difference& difference) {
  BRAID_TRY(engine.Decode(batch));
  const size_t width = static_cast<size_t>(golden.width);
  for (int entry = 0; entry < batch.size(); ++entry) {
    BRAID_TRY(Compare(
        golden.want == Want::kLogits ? engine.Logits(entry)
                                     : engine.Hidden(entry),
        std::span(golden.rows)
            .subspan(static_cast<size_t>(batch[entry].position) * width, width),
        difference));
  }
  return {};
}

void Add(const Golden& golden, SequenceId sequence, int begin, int count,
         Batch& batch) {
  if (begin == 0 && !golden.encoder_tokens.empty()) {
    batch.AddEncoder(golden.encoder_tokens, sequence);
  }
  for (int i = begin; i < begin + count; ++i) {
    batch.Add(golden.tokens[i], i, sequence, golden.want);
  }
}

}  // namespace

std::string Folder(const std::string& name) {
  return BRAID_SOURCE_DIR "/tests/golden/zoo/" + name;
}

Result<Golden> ReadGolden(const std::string& folder, const std::string& file) {
  BRAID_ASSIGN(const MappedFile mapped, MappedFile::Open(folder + "/" + file));
  BRAID_ASSIGN(const auto tensors, convert::ParseSafetensors(mapped.bytes()));
  Golden golden;
  BRAID_ASSIGN(golden.tokens, Values<TokenId>(tensors, "tokens", "I32"));
  if (Find(tensors, "decoder_tokens") != nullptr) {
    golden.encoder_tokens = std::move(golden.tokens);
    BRAID_ASSIGN(golden.tokens,
                 Values<TokenId>(tensors, "decoder_tokens", "I32"));
  }
  const bool writes = Find(tensors, "logits") != nullptr;
  golden.want = writes ? Want::kLogits : Want::kHidden;
  BRAID_ASSIGN(golden.rows,
               Values<float>(tensors, writes ? "logits" : "embeddings", "F32"));
  if (Find(tensors, "pooled") != nullptr) {
    BRAID_ASSIGN(golden.pooled, Values<float>(tensors, "pooled", "F32"));
  }
  if (golden.tokens.empty() || golden.rows.empty() ||
      golden.rows.size() % golden.tokens.size() != 0) {
    return Error{Format("{} tokens, {} values", golden.tokens.size(),
                        golden.rows.size())};
  }
  golden.width = static_cast<int>(golden.rows.size() / golden.tokens.size());
  return golden;
}

Status Convert(const std::string& folder, const std::string& gguf) {
  BRAID_ASSIGN(
      const convert::Conversion conversion,
      convert::Conversion::Plan(folder, {.type = convert::OutputType::kF32}));
  return conversion.Write(gguf, 1,
                          [](const gguf::TensorInfo&, uint64_t, uint64_t) {});
}

Result<Difference> CompareAlone(const std::string& gguf, const Golden& golden) {
  BRAID_ASSIGN(const std::unique_ptr<Engine> engine, Open(gguf));
  Difference difference = NoDifference(golden);
  Batch batch;
  Add(golden, 0, 0, static_cast<int>(golden.tokens.size()), batch);
  BRAID_TRY(DecodeAndCompare(*engine, batch, golden, difference));
  return difference;
}

Result<Difference> CompareInCompany(const std::string& gguf,
                                    const Golden& golden) {
  BRAID_ASSIGN(const std::unique_ptr<Engine> engine, Open(gguf));
  Difference difference = NoDifference(golden);
  const int length = static_cast<int>(golden.tokens.size());
  Batch batch;
  if (engine->model().info().bidirectional) {
    for (int i = 0; i < length; ++i) {
      for (const SequenceId sequence : {0, 1})
        Add(golden, sequence, i, 1, batch);
    }
    BRAID_TRY(DecodeAndCompare(*engine, batch, golden, difference));
    return difference;
  }
  constexpr std::array kLengths = {1, 7, 16, 3, 5};
  for (size_t step = 0;
       engine->NextPosition(0) < length || engine->NextPosition(1) < length;
       ++step) {
    batch.Clear();
    for (const SequenceId sequence : {0, 1}) {
      const Position begin = engine->NextPosition(sequence);
      const size_t kind =
          (step + 2 * static_cast<size_t>(sequence)) % kLengths.size();
      Add(golden, sequence, begin, std::min(kLengths[kind], length - begin),
          batch);
    }
    BRAID_TRY(DecodeAndCompare(*engine, batch, golden, difference));
  }
  return difference;
}

Result<Difference> ComparePooled(const std::string& gguf,
                                 const Golden& golden) {
  BRAID_ASSIGN(const std::unique_ptr<Engine> engine, Open(gguf));
  Difference difference = NoDifference(golden);
  Batch batch;
  for (const TokenId token : golden.tokens) {
    batch.Add(token, batch.size(), 0, Want::kPooled);
  }
  BRAID_TRY(engine->Decode(batch));
  BRAID_TRY(Compare(engine->Embedding(0), golden.pooled, difference));
  return difference;
}

}  // namespace braid::zoo
