#include "base/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace braid {
namespace {

TEST(Arena, AlignsAndKeepsAllocationsApart) {
  Arena arena;
  std::vector<std::pair<uint8_t*, size_t>> allocations;
  for (size_t size : {1, 3, 64, 65, 400000, 5, 12000000}) {
    uint8_t* memory = arena.Allocate<uint8_t>(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % kAlignment, 0u);
    std::memset(memory, static_cast<int>(allocations.size()), size);
    allocations.emplace_back(memory, size);
  }
  for (size_t i = 0; i < allocations.size(); ++i) {
    const auto [memory, size] = allocations[i];
    EXPECT_EQ(memory[0], i);
    EXPECT_EQ(memory[size - 1], i);
  }
}

TEST(Arena, AfterAResetTheSamePassAllocatesNothing) {
  Arena arena;
  const auto pass = [&] {
    arena.Reset();
    for (int i = 0; i < 50; ++i) arena.Allocate<float>(100000);
  };
  pass();
  pass();
  const size_t capacity = arena.capacity();
  for (int i = 0; i < 5; ++i) pass();
  EXPECT_EQ(arena.capacity(), capacity);
}

TEST(Arena, AScopeGivesBackWhatItTook) {
  Arena arena;
  arena.Allocate<float>(10);
  float* inside;
  {
    const ArenaScope scope(arena);
    inside = arena.Allocate<float>(1000);
  }
  EXPECT_EQ(arena.Allocate<float>(1000), inside);
}

TEST(Arena, AScopeThatOverflowedIntoNewBlocksStillReturns) {
  Arena arena;
  float* first = arena.Allocate<float>(16);
  *first = 3;
  for (int i = 0; i < 3; ++i) {
    const ArenaScope scope(arena);
    for (int j = 0; j < 40; ++j) {
      std::memset(arena.Allocate<float>(60000), 0xFF, 60000 * sizeof(float));
    }
  }
  EXPECT_EQ(*first, 3);
}

}  // namespace
}  // namespace braid
