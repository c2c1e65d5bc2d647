// ScoreAsRead against what `tokenizers` 0.23.3 wrote again after it had read
// the score.
#include "convert/piece_score.h"

#include <gtest/gtest.h>

#include <cmath>

namespace braid::convert {

namespace {

TEST(PieceScore, IsRoundedTwice) {
  EXPECT_EQ(ScoreAsRead(-11.064055525932513), -11.064055525932512);
  EXPECT_EQ(ScoreAsRead(-5.6597260649584396), -5.65972606495844);
  EXPECT_EQ(ScoreAsRead(-7.4130271109214405), -7.41302711092144);
}

TEST(PieceScore, StaysWhatFewDigitsSay) {
  for (const double score :
       {0.0, 1.0, -3.0, 0.5, -8.585052890228752, 1e22, 1e-22, 1.5e300}) {
    EXPECT_EQ(ScoreAsRead(score), score);
  }
  EXPECT_TRUE(std::signbit(ScoreAsRead(-0.0)));
  EXPECT_GT(ScoreAsRead(2.5e-310), 0);
}

}  // namespace

}  // namespace braid::convert
