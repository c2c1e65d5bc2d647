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
    if (batch[i].want == want_) ++wanted;
  }
  const size_t bytes = static_cast<size_t>(wanted * width_) * sizeof(float);
  if (rows_.size() < bytes) rows_ = AlignedBuffer(bytes);
}

Rows Outputs::Append(std::span<const int32_t> batch_index) {
  const int64_t first = filled_;
  for (const int32_t entry : batch_index) {
    BRAID_CHECK(row_of_entry_[entry] == kNoRow);
    row_of_entry_[entry] = static_cast<int32_t>(filled_++);
  }
  BRAID_CHECK(static_cast<size_t>(filled_ * width_) * sizeof(float) <=
              rows_.size());
  return {rows_.as<float>() + first * width_, filled_ - first, width_, width_};
}

std::span<const float> Outputs::Row(int entry) const {
  if (entry < 0 || entry >= static_cast<int>(row_of_entry_.size())) return {};
  const int32_t row = row_of_entry_[entry];
  if (row == kNoRow) return {};
  return {rows_.as<float>() + row * width_, static_cast<size_t>(width_)};
}

}  // namespace braid
