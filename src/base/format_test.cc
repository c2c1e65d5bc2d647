#include "base/format.h"

#include <gtest/gtest.h>

namespace braid {
namespace {

TEST(Format, FillsHolesInOrder) {
  EXPECT_EQ(Format("{} of {}: {}", 3, uint64_t{18446744073709551615u}, "x"),
            "3 of 18446744073709551615: x");
  EXPECT_EQ(Format("{}", int64_t{-5}), "-5");
  EXPECT_EQ(Format("{} {}", true, false), "true false");
}

TEST(Format, FloatsAreShortAndReadBack) {
  EXPECT_EQ(Format("{}", 0.1), "0.1");
  EXPECT_EQ(Format("{}", 1e-5f), "9.999999747378752e-06");
  EXPECT_EQ(Format("{}", 2.0), "2");
}

TEST(Format, SurplusHolesAndArgumentsDoNoHarm) {
  EXPECT_EQ(Format("{} {}", 1), "1 {}");
  EXPECT_EQ(Format("none", 1), "none");
  EXPECT_EQ(Format(""), "");
}

TEST(Format, ArgumentsAreNotSearchedForHoles) {
  EXPECT_EQ(Format("{} {}", "{}", 2), "{} 2");
}

}  // namespace
}  // namespace braid
