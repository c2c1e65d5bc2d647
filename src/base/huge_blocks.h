// HugeBlocks: zeroed memory handed out in parts of large blocks, which ask for
// huge pages. For many buffers that are walked from end to end and are too
// small for huge pages of their own, as the matrices of a small model: with
// 4 KB pages, a tenth to a fifth of the time of reading them is misses of the
// TLB.
//
// Not thread-safe; the parts may be used from any thread.
#ifndef BRAID_SRC_BASE_HUGE_BLOCKS_H_
#define BRAID_SRC_BASE_HUGE_BLOCKS_H_

#include <cstddef>
#include <memory>

namespace braid {

class HugeBlocks {
 public:
  // Address space of a block; memory is taken when it is touched. Where so much
  // is not granted, parts come from the heap.
  static constexpr size_t kBlockBytes = size_t{256} << 20;
  // Smaller parts come from the heap: a tiny model should not cost a page.
  static constexpr size_t kLeastPart = size_t{64} << 10;

  // `size` zeroed bytes on a 64-byte boundary. Its block lives as long as any
  // part of it. Throws OutOfMemory (base/guarded.h).
  std::shared_ptr<std::byte> Take(size_t size);

  // The memory behind all parts, touched from end to end, of which the sizes
  // were taken in this order.
  class Count {
   public:
    void Take(size_t size);
    size_t bytes() const;

   private:
    size_t heap_ = 0;
    size_t full_ = 0;  // pages of blocks that are not the last
    size_t used_ = 0;  // of the last block
  };

 private:
  std::shared_ptr<std::byte> block_;
  size_t block_bytes_ = 0;
  size_t used_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_HUGE_BLOCKS_H_
