#include "base/fp_guard.h"

#include <gtest/gtest.h>

#include <cfloat>

#include "base/thread_pool.h"

namespace braid {
namespace {

// Half the smallest normal number: a denormal, unless flushed.
float HalfOfSmallest() {
  volatile float smallest = FLT_MIN;
  return smallest * 0.5f;
}

TEST(FloatGuard, FlushesInsideAndRestoresOutside) {
  EXPECT_NE(HalfOfSmallest(), 0.0f);
  {
    const FloatGuard guard;
    EXPECT_EQ(HalfOfSmallest(), 0.0f);
  }
  EXPECT_NE(HalfOfSmallest(), 0.0f);
}

TEST(FloatGuard, WorkersOfAPoolHoldOne) {
  ThreadPool pool(3);
  const FloatGuard guard;
  pool.Run(64, [&](int, int) { EXPECT_EQ(HalfOfSmallest(), 0.0f); });
}

}  // namespace
}  // namespace braid
