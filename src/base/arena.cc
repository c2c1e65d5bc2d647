#include "base/arena.h"

#include <algorithm>

namespace braid {

namespace {
constexpr size_t kFirstBlock = size_t{1} << 20;
}  // namespace

std::byte* Arena::AllocateBytes(size_t size) {
  const size_t rounded = (size + kAlignment - 1) / kAlignment * kAlignment;
  while (block_ < blocks_.size() && used_ + rounded > blocks_[block_].size()) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    blocks_.emplace_back(std::max({kFirstBlock, rounded, capacity()}));
  }
  std::byte* memory = blocks_[block_].data() + used_;
  used_ += rounded;
  return memory;
}

void Arena::Reset() {
  block_ = 0;
  used_ = 0;
  if (blocks_.size() > 1) {
    const size_t total = capacity();
    blocks_.clear();
    blocks_.emplace_back(total);
  }
}

size_t Arena::capacity() const {
  size_t total = 0;
  for (const AlignedBuffer& block : blocks_) total += block.size();
  return total;
}

}  // namespace braid
