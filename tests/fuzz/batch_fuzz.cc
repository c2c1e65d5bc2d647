// libFuzzer target: bytes as batches, valid or not, and as programs of a
// memory. A batch and its ubatches are judged a second time in the simplest
// way; a memory is compared with the oracle of the unit tests after every step.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "batch/splitter.h"
#include "batch/validate.h"
#include "tests/support/batch_judge.h"
#include "tests/support/memory_oracle.h"

namespace braid {
namespace {

// Two bytes a choice; zeros behind the end.
class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> data) : data_(data) {}

  bool empty() const { return data_.empty(); }
  int Below(int bound) { return static_cast<int>(Next() % bound); }
  // Mostly small, sometimes any 32-bit number.
  int32_t Number() {
    const uint32_t low = Next();
    if (low % 16 != 15) return static_cast<int32_t>(low % 16) - 1;
    return static_cast<int32_t>(Next() << 16 | Next());
  }

 private:
  uint32_t Next() {
    uint32_t value = 0;
    for (int i = 0; i < 2 && !data_.empty(); ++i) {
      value = value << 8 | data_.front();
      data_ = data_.subspan(1);
    }
    return value;
  }

  std::span<const uint8_t> data_;
};

void AddEntry(Bytes& bytes, TokenId token, Position position,
              std::span<const SequenceId> set, Batch& batch) {
  switch (bytes.Below(16)) {
    case 0: {
      const TokenId targets[] = {bytes.Number(), bytes.Number()};
      batch.AddScored(token, position, set, targets);
      return;
    }
    case 1:
      batch.Add(token, position, set, Want::kPooled);
      return;
    case 2:
      batch.Add(token, position, set, Want::kHidden);
      return;
    case 3:
    case 4:
      batch.Add(token, position, set, Want::kLogits);
      return;
    default:
      batch.Add(token, position, set, Want::kNothing);
  }
}

// Sequences that have come equally far are in a set, mostly.
std::vector<SequenceId> MakeSet(Bytes& bytes, std::span<const int64_t> next) {
  const SequenceId first = bytes.Number();
  std::vector<SequenceId> set = {first};
  const int choice = bytes.Below(64);
  if (choice == 63) set.clear();
  if (choice == 62) set.push_back(bytes.Number());
  if (choice % 2 == 0 || first < 0 || first >= std::ssize(next)) return set;
  const int members = bytes.Below(256);
  for (SequenceId s = 0; s < std::ssize(next); ++s) {
    const bool chosen = (members >> (s % 8)) % 2 == 0;
    if (s != first && next[s] == next[first] && chosen) set.push_back(s);
  }
  return set;
}

// With encoder texts now and then.
Batch MakeBatch(Bytes& bytes, std::span<const Position> lengths) {
  Batch batch;
  std::vector<int64_t> next(lengths.begin(), lengths.end());
  while (!bytes.empty()) {
    const TokenId token = bytes.Number();
    const std::vector<SequenceId> set = MakeSet(bytes, next);
    if (bytes.Below(32) == 31) {
      const std::vector<TokenId> text(static_cast<size_t>(bytes.Below(4)),
                                      token);
      batch.AddEncoder(text, set);
      continue;
    }
    // Mostly the position that fits, or few batches would be valid.
    Position position = bytes.Below(32) == 31 ? bytes.Number() : 0;
    for (const SequenceId s : set) {
      if (s < 0 || s >= std::ssize(next)) continue;
      if (position == 0) position = static_cast<Position>(next[s]);
      ++next[s];
    }
    AddEntry(bytes, token, position, set, batch);
  }
  return batch;
}

// Sequences of which some are forked from others, what the model has, and
// mostly the tokens that can come next.
void RunBatch(Bytes bytes) {
  const int sequences = bytes.Below(6);
  const auto below = [&](int n) { return bytes.Below(n); };
  const RandomPast past(sequences, below,
                        [&] { return bytes.Number() & INT32_MAX; });
  const auto shared = [&](SequenceId a, SequenceId b) {
    return past.Shared(a, b);
  };
  const int max_rows = 1 + bytes.Below(20);
  BatchLimits limits{.max_tokens = bytes.Number(),
                     .vocabulary_size = bytes.Number(),
                     .next_positions = past.lengths(),
                     .shared_positions = shared,
                     .max_rows = max_rows};
  std::vector<int32_t> texts;
  std::vector<uint8_t> pooled;
  for (int s = 0; s < sequences; ++s) {
    texts.push_back(bytes.Below(4) - 1);
    pooled.push_back(static_cast<uint8_t>(bytes.Below(2)));
  }
  const int kind = bytes.Below(64);
  if (kind % 4 == 1) limits.encoder_texts = texts;
  if (kind % 4 == 2) limits.pooled = pooled;
  if (kind % 4 == 3) limits.whole_sequences = true;
  if (kind == 60) limits.logits = false;
  if (kind == 56) limits.pooling = false;
  if (kind == 52) limits.positions = bytes.Number();

  const Batch batch = MakeBatch(bytes, past.lengths());
  BatchScratch scratch;
  const bool valid = ValidateBatch(batch, limits, scratch).ok();
  BRAID_CHECK(valid == BatchJudge(batch, limits).Accepts());
  if (!valid) return;
  for (SplitPolicy policy : {SplitPolicy::kRagged, SplitPolicy::kEqual,
                             SplitPolicy::kSimple, SplitPolicy::kWhole}) {
    Splitter splitter(policy, max_rows);
    const auto ubatches = splitter.Split(batch);
    BRAID_CHECK(ubatches.ok() || policy == SplitPolicy::kWhole);
    if (!ubatches.ok()) continue;
    BRAID_CHECK(SplitJudge(batch, *ubatches, max_rows).Check().ok());
  }
}

LayerSpec MakeLayer(Bytes& bytes) {
  LayerSpec layer;
  layer.conv_floats = static_cast<size_t>(bytes.Below(3));
  layer.state_floats = static_cast<size_t>(bytes.Below(20));
  // The state of few layers cannot be rebuilt.
  const auto log_floats = static_cast<size_t>(bytes.Below(5));
  if (layer.recurrent()) layer.log_floats = log_floats;
  layer.page.page_bytes =
      static_cast<size_t>(bytes.Below(3)) * sizeof(float) * kPagePositions;
  if (bytes.Below(2) == 1) layer.window = 1 + bytes.Below(50);
  return layer;
}

void RunMemory(Bytes bytes) {
  MemorySpec spec;
  const int layers = bytes.Below(4);
  for (int i = 0; i < layers; ++i) spec.layers.push_back(MakeLayer(bytes));
  MemoryLimits limits;
  limits.max_sequences = 1 + bytes.Below(8);
  limits.kv_positions = 1 + bytes.Below(600);
  limits.page_positions = kPagePositions << bytes.Below(3);
  limits.rollback = bytes.Below(20);
  limits.checkpoint_every = bytes.Below(40);
  limits.checkpoint_bytes = static_cast<size_t>(bytes.Below(3000));
  limits.bytes = static_cast<size_t>(bytes.Below(2) * bytes.Below(40000));
  MemoryOracle oracle(std::move(spec), limits);
  const auto require = [](const Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    BRAID_CHECK(status.ok());
  };
  while (!bytes.empty()) {
    require(oracle.Step([&](int bound) { return bytes.Below(bound); }));
  }
  require(oracle.Finish());
}

}  // namespace
}  // namespace braid

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const braid::Bytes bytes(std::span(data, size).subspan(1));
  if (data[0] % 2 == 0) {
    braid::RunBatch(bytes);
  } else {
    braid::RunMemory(bytes);
  }
  return 0;
}
