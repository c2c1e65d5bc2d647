#include "base/check.h"
#include "kernels/attention.h"

namespace braid {

size_t KvLayout::ElementBytes() const {
  BRAID_CHECK(type == DType::kF16 || type == DType::kF32);
  return type == DType::kF16 ? 2 : 4;
}

size_t KvLayout::KeyOffset(int kv_head) const {
  return static_cast<size_t>(kv_head) * key_dim * kPagePositions *
         ElementBytes();
}

size_t KvLayout::ValueOffset(int kv_head) const {
  return KeyOffset(kv_heads) + static_cast<size_t>(kv_head) * value_dim *
                                   kPagePositions * ElementBytes();
}

size_t KvLayout::PageBytes() const { return ValueOffset(kv_heads); }

}  // namespace braid
