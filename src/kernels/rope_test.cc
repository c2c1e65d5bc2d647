#include "kernels/rope.h"

#include <cmath>
#include <numbers>

#include "kernels/kernel_testing.h"
#include "kernels/ref/rope_twin.h"

namespace braid {
namespace {

constexpr int kPositions = 300;

struct Shape {
  int heads;
  int head_dim;
  int rotated;
};

class RopeTest : public KernelTest {
 protected:
  static constexpr Shape kShapes[] = {{1, 2, 2},     {3, 20, 20}, {4, 64, 64},
                                      {2, 80, 32},   {5, 36, 30}, {2, 128, 128},
                                      {1, 256, 256}, {3, 64, 0}};

  RopeConfig Config(const Shape& shape, RopePairs pairs) {
    RopeConfig config;
    config.rotated = shape.rotated;
    config.pairs = pairs;
    config.position_scale = 0.25;
    config.frequency_divisors = UniformFloats(shape.rotated / 2, 1, 8, random_);
    return config;
  }

  std::vector<Position> RandomPositions(int count) {
    std::vector<Position> positions(static_cast<size_t>(count));
    for (Position& position : positions) position = random_.Below(kPositions);
    return positions;
  }
};

TEST_F(RopeTest, EqualsTheTwin) {
  for (const RopePairs pairs : {RopePairs::kInterleaved, RopePairs::kHalves}) {
    for (const Shape& shape : kShapes) {
      RopeTable table(Config(shape, pairs));
      table.Extend(kPositions);
      for (const int rows : {1, 5, 70}) {
        const std::vector<Position> positions = RandomPositions(rows);
        const TestRows x = TestRows::Uniform(rows, shape.heads * shape.head_dim,
                                             -3, 3, random_);
        TestRows expected = x;
        RopeTwin(table, positions, shape.heads, shape.head_dim,
                 expected.view());
        ForTargetsAndThreads([&](ThreadPool& pool) {
          TestRows y = x;
          Rope(table, positions, shape.heads, shape.head_dim, y.view(), pool);
          ASSERT_EQ(CountDifferences(y.view(), expected.view()), 0)
              << rows << " rows, head_dim " << shape.head_dim;
          ASSERT_TRUE(y.GapsAreWhole());
        });
      }
    }
  }
}

TEST_F(RopeTest, StaysWithinTheOracle) {
  for (const RopePairs pairs : {RopePairs::kInterleaved, RopePairs::kHalves}) {
    for (const Shape& shape : kShapes) {
      RopeTable table(Config(shape, pairs));
      table.Extend(kPositions);
      const std::vector<Position> positions = RandomPositions(20);
      const TestRows x =
          TestRows::Uniform(20, shape.heads * shape.head_dim, -3, 3, random_);
      TestRows y = x;
      Rope(table, positions, shape.heads, shape.head_dim, y.view(), pools_[1]);
      const auto oracle = RopeOracle(table.config(), positions, shape.heads,
                                     shape.head_dim, x.view());
      if (shape.rotated == shape.head_dim) {
        EXPECT_LE(WorstError(y.view(), oracle), 1) << shape.head_dim;
      } else {
        // What is not turned is not touched: its tolerance is 0.
        for (size_t i = 0; i < oracle.size(); ++i) {
          const int64_t width = y.view().width;
          const float value =
              y.view().row(int64_t(i) / width)[int64_t(i) % width];
          EXPECT_LE(std::fabs(value - oracle[i].value), oracle[i].tolerance);
        }
      }
    }
  }
}

TEST_F(RopeTest, ATableDoesNotDependOnHowItGrew) {
  RopeConfig config;
  config.rotated = 64;
  RopeTable once(config);
  once.Extend(100);
  RopeTable twice(config);
  twice.Extend(37);
  twice.Extend(100);
  twice.Extend(50);
  EXPECT_EQ(twice.count(), 100);
  for (Position p = 0; p < 100; ++p) {
    for (int i = 0; i < 32; ++i) {
      EXPECT_EQ(once.cosines(p)[i], twice.cosines(p)[i]);
      EXPECT_EQ(once.sines(p)[i], twice.sines(p)[i]);
    }
  }
  EXPECT_EQ(once.cosines(0)[3], 1.0f);
  EXPECT_EQ(once.sines(1)[0], static_cast<float>(std::sin(1.0)));
}

TEST_F(RopeTest, YarnSlowsOnlyThePairsThatTurnRarely) {
  RopeConfig config;
  config.rotated = 64;
  config.position_scale = 0.25;
  config.yarn = YarnConfig{.original_context = 4096};
  // 4096 positions are 32 turns at pair 10.47 and one at pair 22.51.
  const auto plain = [](int pair) { return std::pow(1e4, -pair / 32.0); };
  for (const int pair : {0, 5, 10}) {
    EXPECT_DOUBLE_EQ(RopeFrequency(config, pair), plain(pair));
  }
  for (const int pair : {23, 27, 31}) {
    EXPECT_DOUBLE_EQ(RopeFrequency(config, pair), 0.25 * plain(pair));
  }
  const double ramp = (16.0 - 10) / (23 - 10);
  EXPECT_DOUBLE_EQ(RopeFrequency(config, 16),
                   (0.25 * ramp + (1 - ramp)) * plain(16));
}

TEST_F(RopeTest, YarnInPartAndBetweenPairs) {
  RopeConfig config;
  config.rotated = 64;
  config.position_scale = 0.25;
  config.yarn = YarnConfig{.original_context = 4096, .extension = 0.5};
  const auto plain = [](int pair) { return std::pow(1e4, -pair / 32.0); };
  // Half of what is kept is slowed down.
  EXPECT_DOUBLE_EQ(RopeFrequency(config, 5), 0.625 * plain(5));
  EXPECT_DOUBLE_EQ(RopeFrequency(config, 27), 0.25 * plain(27));
  config.yarn->extension = 0;
  EXPECT_DOUBLE_EQ(RopeFrequency(config, 5), 0.25 * plain(5));
  // The ends of the ramp as the paper has them.
  config.yarn->extension = 1;
  config.yarn->whole_pairs = false;
  const auto pair_of_turns = [](double turns) {
    return 64 * std::log(4096 / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(1e4));
  };
  const double ramp =
      (16 - pair_of_turns(32)) / (pair_of_turns(1) - pair_of_turns(32));
  EXPECT_DOUBLE_EQ(RopeFrequency(config, 16),
                   (0.25 * ramp + (1 - ramp)) * plain(16));
}

TEST_F(RopeTest, TheMagnitudeIsInTheTable) {
  RopeConfig config;
  config.rotated = 8;
  config.magnitude = 1.5;
  RopeTable table(config);
  table.Extend(3);
  EXPECT_EQ(table.cosines(0)[2], 1.5f);
  EXPECT_EQ(table.sines(2)[0], static_cast<float>(1.5 * std::sin(2.0)));
}

// LongRoPE: the divisors follow the memory's size, not the text's.
TEST(RopeContext, ShortMemoriesHaveDivisorsOfTheirOwn) {
  RopeConfig config;
  config.rotated = 4;
  config.frequency_divisors = {2.0f, 4.0f};
  config.short_divisors = {1.0f, 1.5f};
  config.short_context = 128;
  EXPECT_EQ(ForContext(config, 128).frequency_divisors, config.short_divisors);
  EXPECT_EQ(ForContext(config, 129).frequency_divisors,
            config.frequency_divisors);
  config.short_context = 0;
  EXPECT_EQ(ForContext(config, 1).frequency_divisors,
            config.frequency_divisors);
}

}  // namespace
}  // namespace braid
