#include "base/huge_blocks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace braid {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST(HugeBlocks, PartsAreZeroedAlignedAndApart) {
  HugeBlocks blocks;
  std::vector<std::shared_ptr<std::byte>> parts;
  const std::vector<size_t> sizes = {1,      70'000, 3 * kMiB,
                                     65'536, 100,    1 * kMiB};
  for (size_t i = 0; i < sizes.size(); ++i) {
    parts.push_back(blocks.Take(sizes[i]));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(parts[i].get()) % 64, 0u);
    for (size_t k = 0; k < sizes[i]; ++k) {
      ASSERT_EQ(parts[i].get()[k], std::byte{0});
      parts[i].get()[k] = static_cast<std::byte>(i + 1);
    }
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    for (size_t k = 0; k < sizes[i]; ++k) {
      ASSERT_EQ(parts[i].get()[k], static_cast<std::byte>(i + 1));
    }
  }
}

TEST(HugeBlocks, PartsOutliveTheirMaker) {
  std::shared_ptr<std::byte> first, second;
  {
    HugeBlocks blocks;
    first = blocks.Take(kMiB);
    second = blocks.Take(kMiB);
  }
  EXPECT_EQ(second.get() - first.get(), static_cast<ptrdiff_t>(kMiB));
  first.reset();
  second.get()[kMiB - 1] = std::byte{1};
}

// A part that does not fit begins the next block, however large it is.
TEST(HugeBlocks, LargePartsGetBlocks) {
  HugeBlocks blocks;
  const auto small = blocks.Take(kMiB);
  const auto large = blocks.Take(HugeBlocks::kBlockBytes + 1);
  large.get()[HugeBlocks::kBlockBytes] = std::byte{1};
  const auto after = blocks.Take(kMiB);
  EXPECT_EQ(after.get() - large.get(),
            static_cast<ptrdiff_t>(HugeBlocks::kBlockBytes + 64));
}

TEST(HugeBlocks, CountsWholePages) {
  HugeBlocks::Count count;
  EXPECT_EQ(count.bytes(), 0u);
  count.Take(100);
  EXPECT_EQ(count.bytes(), 128u);
  count.Take(kMiB);
  const size_t page = count.bytes() - 128 - kMiB;  // huge, or none to spare
  EXPECT_TRUE(page == 0 || page == kMiB) << page;
  count.Take(kMiB);
  EXPECT_EQ(count.bytes(), 128 + 2 * kMiB);
  // The next block: nothing is left of this one.
  count.Take(HugeBlocks::kBlockBytes);
  EXPECT_EQ(count.bytes(), 128 + 2 * kMiB + HugeBlocks::kBlockBytes);
}

}  // namespace
}  // namespace braid
