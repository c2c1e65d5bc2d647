#include "memory/free_slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace braid {
namespace {

// Against a vector of flags, searched from the start.
TEST(FreeSlots, LowestFirstAsTheDefinitionSays) {
  Random random(1);
  for (int32_t count : {1, 2, 63, 64, 65, 200}) {
    FreeSlots slots(count);
    std::vector<char> is_free(count, 1);
    int32_t touched = 0;
    for (int step = 0; step < 2000; ++step) {
      const int free =
          static_cast<int>(std::count(is_free.begin(), is_free.end(), char{1}));
      ASSERT_EQ(slots.free(), free);
      ASSERT_EQ(slots.touched(), touched);
      const int kind = random.Below(3);
      if (kind == 0 && free > 0) {
        const auto first = std::find(is_free.begin(), is_free.end(), char{1});
        ASSERT_EQ(slots.Take(), first - is_free.begin());
        *first = 0;
      } else if (kind == 1) {
        const int32_t length = 1 + random.Below(6);
        const auto first =
            std::search_n(is_free.begin(), is_free.end(), length, char{1});
        if (first == is_free.end()) {
          ASSERT_EQ(slots.TakeRange(length), -1);
        } else {
          ASSERT_EQ(slots.TakeRange(length), first - is_free.begin());
          std::fill_n(first, length, char{0});
        }
      } else {
        const int32_t slot = random.Below(count);
        ASSERT_EQ(slots.IsFree(slot), is_free[slot] == 1);
        if (!slots.IsFree(slot)) slots.Give(slot);
        is_free[slot] = 1;
      }
      const auto last =
          std::find(is_free.rbegin(), is_free.rend(), char{0}).base();
      touched = std::max(touched, static_cast<int32_t>(last - is_free.begin()));
    }
  }
}

}  // namespace
}  // namespace braid
