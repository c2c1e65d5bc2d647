#include "engine/outputs.h"

#include "base/check.h"

namespace braid {

namespace {
constexpr int32_t kNoRow = -1;
}  // namespace

void Outputs::Begin(const Batch& batch) {
  row_of_entry_.assign(batch.size(), kNoRow);
  filled_ = 0;
  int64_t wanted = 0;
  for (int i = 0; i < batch.size(); ++i) {
    if (batch[i].want == Want::kLogits) ++wanted;
  }
  const size_t bytes =
      static_cast<size_t>(wanted * vocabulary_size_) * sizeof(float);
  if (logits_.size() < bytes) logits_ = AlignedBuffer(bytes);
}

Rows Outputs::Append(std::span<const int32_t> batch_index) {
  const int64_t first = filled_;
  for (const int32_t entry : batch_index) {
    BRAID_CHECK(row_of_entry_[entry] == kNoRow);
    row_of_entry_[entry] = static_cast<int32_t>(filled_++);
  }
  BRAID_CHECK(static_cast<size_t>(filled_ * vocabulary_size_) * sizeof(float) <=
              logits_.size());
  return {logits_.as<float>() + first * vocabulary_size_, filled_ - first,
          vocabulary_size_, vocabulary_size_};
}

std::span<const float> Outputs::Logits(int entry) const {
  if (entry < 0 || entry >= static_cast<int>(row_of_entry_.size())) return {};
  const int32_t row = row_of_entry_[entry];
  if (row == kNoRow) return {};
  return {logits_.as<float>() + row * vocabulary_size_,
          static_cast<size_t>(vocabulary_size_)};
}

}  // namespace braid
