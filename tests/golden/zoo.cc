#include "tests/golden/zoo.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

#include "base/format.h"
#include "base/mapped_file.h"
#include "base/try.h"
#include "convert/conversion.h"
#include "convert/safetensors.h"

namespace braid::zoo {

namespace {

using convert::SourceTensor;

template <typename T>
Result<std::vector<T>> Values(std::span<const SourceTensor> tensors,
                              const std::string& name, const char* type) {
  const auto found = std::ranges::find(tensors, name, &SourceTensor::name);
  if (found == tensors.end()) return Error{name + ": not there"};
  if (found->stored != type) {
    return Error{
        Format("{}: expected {}, file has {}", name, type, found->stored)};
  }
  std::vector<T> values(found->bytes.size() / sizeof(T));
  std::memcpy(values.data(), found->bytes.data(), found->bytes.size());
  return values;
}

Result<std::unique_ptr<Engine>> Open(const std::string& gguf) {
  auto model = Model::Load(gguf, {});
  if (!model.ok()) return model.error();
  return Engine::Create(*model, {.max_sequences = 2, .kv_type = KvType::kF32});
}

void Add(const Golden& golden, SequenceId sequence, int begin, int count,
         Batch& batch) {
  for (int i = begin; i < begin + count; ++i) {
    batch.Add(golden.tokens[i], i, sequence, Want::kLogits);
  }
}

// Decodes the batch and widens `difference` by its rows.
Status Compare(Engine& engine, const Batch& batch, const Golden& golden,
               Difference& difference) {
  BRAID_TRY(engine.Decode(batch));
  const size_t width = static_cast<size_t>(golden.vocabulary);
  for (int entry = 0; entry < batch.size(); ++entry) {
    const std::span<const float> logits = engine.Logits(entry);
    if (logits.size() < width) {
      return Error{Format("expected {} logits, got {}", width, logits.size())};
    }
    const std::span<const float> reference =
        std::span(golden.logits)
            .subspan(static_cast<size_t>(batch[entry].position) * width, width);
    for (size_t token = 0; token < width; ++token) {
      const double apart =
          std::abs(static_cast<double>(logits[token]) - reference[token]);
      if (!(apart <= difference.largest)) {
        difference.largest =
            std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart;
      }
    }
  }
  difference.positions += batch.size();
  return {};
}

Difference NoDifference(const Golden& golden) {
  const auto [low, high] = std::ranges::minmax(golden.logits);
  return {.spread = static_cast<double>(high) - low};
}

}  // namespace

std::string Folder(const std::string& name) {
  return BRAID_SOURCE_DIR "/tests/golden/zoo/" + name;
}

Result<Golden> ReadGolden(const std::string& folder) {
  BRAID_ASSIGN(const MappedFile file,
               MappedFile::Open(folder + "/golden.safetensors"));
  BRAID_ASSIGN(const auto tensors, convert::ParseSafetensors(file.bytes()));
  Golden golden;
  BRAID_ASSIGN(golden.tokens, Values<TokenId>(tensors, "tokens", "I32"));
  BRAID_ASSIGN(golden.logits, Values<float>(tensors, "logits", "F32"));
  if (golden.tokens.empty() || golden.logits.empty() ||
      golden.logits.size() % golden.tokens.size() != 0) {
    return Error{Format("{} tokens, {} logits", golden.tokens.size(),
                        golden.logits.size())};
  }
  golden.vocabulary =
      static_cast<int>(golden.logits.size() / golden.tokens.size());
  return golden;
}

Status Convert(const std::string& folder, const std::string& gguf) {
  BRAID_ASSIGN(
      const convert::Conversion conversion,
      convert::Conversion::Plan(folder, {.type = convert::OutputType::kF32}));
  return conversion.Write(gguf, 1,
                          [](const gguf::TensorInfo&, uint64_t, uint64_t) {});
}

Result<Difference> CompareInOneBatch(const std::string& gguf,
                                     const Golden& golden) {
  BRAID_ASSIGN(const std::unique_ptr<Engine> engine, Open(gguf));
  Difference difference = NoDifference(golden);
  Batch batch;
  Add(golden, 0, 0, static_cast<int>(golden.tokens.size()), batch);
  BRAID_TRY(Compare(*engine, batch, golden, difference));
  return difference;
}

Result<Difference> CompareInPieces(const std::string& gguf,
                                   const Golden& golden) {
  constexpr std::array kLengths = {1, 7, 16, 3, 5};
  BRAID_ASSIGN(const std::unique_ptr<Engine> engine, Open(gguf));
  Difference difference = NoDifference(golden);
  const int length = static_cast<int>(golden.tokens.size());
  Batch batch;
  for (size_t step = 0;
       engine->NextPosition(0) < length || engine->NextPosition(1) < length;
       ++step) {
    batch.Clear();
    for (const SequenceId sequence : {0, 1}) {
      const Position begin = engine->NextPosition(sequence);
      const size_t kind = (step + 2 * static_cast<size_t>(sequence)) % 5;
      Add(golden, sequence, begin, std::min(kLengths[kind], length - begin),
          batch);
    }
    BRAID_TRY(Compare(*engine, batch, golden, difference));
  }
  return difference;
}

}  // namespace braid::zoo
