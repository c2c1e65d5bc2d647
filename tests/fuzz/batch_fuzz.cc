// libFuzzer target: bytes as batches, valid or not, and as programs of a
// memory. A batch is judged a second time in the simplest way; a memory is
// compared with the oracle of the unit tests after every step.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "batch/splitter.h"
#include "batch/validate.h"
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

// As the header of ValidateBatch says it, without its order of checks.
bool IsValid(const Batch& batch, const BatchLimits& limits) {
  const int sequences = static_cast<int>(limits.next_positions.size());
  for (int i = 0; i < batch.size(); ++i) {
    const Batch::Entry& entry = batch[i];
    if (entry.token < 0 || entry.token >= limits.vocabulary_size) return false;
    if (entry.sequence < 0 || entry.sequence >= sequences) return false;
    int64_t expected = limits.next_positions[entry.sequence];
    for (int j = 0; j < i; ++j) expected += batch[j].sequence == entry.sequence;
    if (entry.position != expected || expected == INT32_MAX) return false;
  }
  return batch.size() > 0 && batch.size() <= limits.max_tokens;
}

// Every entry is in one row, and a run is a sequence's next positions.
void CheckUBatches(const Batch& batch, std::span<const UBatch> ubatches,
                   std::vector<Position> next, int max_rows) {
  std::vector<int> seen(batch.size(), 0);
  for (const UBatch& ubatch : ubatches) {
    BRAID_CHECK(ubatch.rows() >= 1 && ubatch.rows() <= max_rows);
    int row = 0;
    for (size_t i = 0; i < ubatch.runs.size(); ++i) {
      BRAID_CHECK(ubatch.runs[i].begin == row);
      for (int j = 0; j < ubatch.runs[i].length; ++j, ++row) {
        const int32_t index = ubatch.batch_index[row];
        BRAID_CHECK(seen[index]++ == 0);
        BRAID_CHECK(batch[index].sequence == ubatch.sequences[i]);
        BRAID_CHECK(batch[index].token == ubatch.tokens[row]);
        BRAID_CHECK(batch[index].position == ubatch.positions[row]);
        BRAID_CHECK(next[ubatch.sequences[i]]++ == ubatch.positions[row]);
      }
    }
    BRAID_CHECK(row == ubatch.rows());
  }
  for (int count : seen) BRAID_CHECK(count == 1);
}

void RunBatch(Bytes bytes) {
  std::vector<Position> next(bytes.Below(5));
  for (Position& position : next) position = bytes.Number() & INT32_MAX;
  const int max_rows = 1 + bytes.Below(20);
  const BatchLimits limits{.max_tokens = bytes.Number(),
                           .vocabulary_size = bytes.Number(),
                           .next_positions = next};
  Batch batch;
  std::vector<int64_t> fitting(next.begin(), next.end());
  while (!bytes.empty()) {
    const TokenId token = bytes.Number();
    const SequenceId sequence = bytes.Number();
    // Mostly the position that fits, or few batches would be valid.
    const bool known = sequence >= 0 && sequence < std::ssize(fitting);
    const Position position = known && bytes.Below(32) != 0
                                  ? static_cast<Position>(fitting[sequence]++)
                                  : bytes.Number();
    batch.Add(token, position, sequence,
              bytes.Below(2) == 0 ? Want::kNothing : Want::kLogits);
  }
  BatchScratch scratch;
  const bool valid = ValidateBatch(batch, limits, scratch).ok();
  BRAID_CHECK(valid == IsValid(batch, limits));
  if (!valid) return;
  for (SplitPolicy policy : {SplitPolicy::kRagged, SplitPolicy::kEqual,
                             SplitPolicy::kSimple, SplitPolicy::kWhole}) {
    Splitter splitter(policy, max_rows);
    const auto ubatches = splitter.Split(batch);
    BRAID_CHECK(ubatches.ok() || policy == SplitPolicy::kWhole);
    if (ubatches.ok()) CheckUBatches(batch, *ubatches, next, max_rows);
  }
}

void RunMemory(Bytes bytes) {
  MemorySpec spec;
  const int layers = bytes.Below(4);
  for (int i = 0; i < layers; ++i) {
    spec.layers.push_back({.conv_floats = static_cast<size_t>(bytes.Below(3)),
                           .state_floats = static_cast<size_t>(bytes.Below(20)),
                           .page_bytes = static_cast<size_t>(bytes.Below(3)) *
                                         4 * kPagePositions});
  }
  MemoryOracle oracle(spec, {.max_sequences = 1 + bytes.Below(8),
                             .kv_positions = 1 + bytes.Below(600)});
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
