#include "kernels/norm.h"

#include "kernels/kernel_testing.h"
#include "kernels/ref/norm_twin.h"

namespace braid {
namespace {

class NormTest : public KernelTest {};

TEST_F(NormTest, RmsNormEqualsTheTwin) {
  const std::vector<float> weight = UniformFloats(1536, -2, 2, random_);
  for (const int64_t width : {1, 3, 15, 16, 17, 40, 100, 768, 1531}) {
    for (const int64_t rows : {1, 2, 37}) {
      for (const float* w :
           {weight.data(), static_cast<const float*>(nullptr)}) {
        TestRows x = TestRows::Uniform(rows, width, -3, 3, random_);
        TestRows expected(rows, width);
        RmsNormTwin(x.view(), w, 1e-5f, expected.view());
        ForTargetsAndThreads([&](ThreadPool& pool) {
          TestRows y(rows, width, 1);
          RmsNorm(x.view(), w, 1e-5f, y.view(), pool);
          ASSERT_EQ(CountDifferences(y.view(), expected.view()), 0)
              << rows << " rows of " << width;
          ASSERT_TRUE(y.GapsAreWhole());
          TestRows in_place = x;
          RmsNorm(in_place.view(), w, 1e-5f, in_place.view(), pool);
          ASSERT_EQ(CountDifferences(in_place.view(), expected.view()), 0);
        });
      }
    }
  }
}

TEST_F(NormTest, RmsNormStaysWithinTheOracle) {
  for (const int64_t width : {1, 17, 768, 1531}) {
    const std::vector<float> weight = UniformFloats(width, -2, 2, random_);
    TestRows x = TestRows::Uniform(20, width, -3, 3, random_);
    TestRows y(20, width);
    RmsNorm(x.view(), weight.data(), 1e-6f, y.view(), pools_[1]);
    EXPECT_LE(
        WorstError(y.view(), RmsNormOracle(x.view(), weight.data(), 1e-6f)), 1)
        << width;
  }
}

TEST_F(NormTest, LayerNormEqualsTheTwin) {
  const std::vector<float> scales = UniformFloats(1536, -2, 2, random_);
  const std::vector<float> shifts = UniformFloats(1536, -2, 2, random_);
  struct Parameters {
    const float* weight;
    const float* bias;
  };
  for (const int64_t width : {1, 3, 15, 16, 17, 40, 100, 768, 1531}) {
    for (const int64_t rows : {1, 2, 37}) {
      for (const Parameters& p :
           {Parameters{scales.data(), shifts.data()},
            Parameters{scales.data(), nullptr},
            Parameters{nullptr, shifts.data()}, Parameters{nullptr, nullptr}}) {
        TestRows x = TestRows::Uniform(rows, width, -3, 5, random_);
        TestRows expected(rows, width);
        LayerNormTwin(x.view(), p.weight, p.bias, 1e-5f, expected.view());
        ForTargetsAndThreads([&](ThreadPool& pool) {
          TestRows y(rows, width, 1);
          LayerNorm(x.view(), p.weight, p.bias, 1e-5f, y.view(), pool);
          ASSERT_EQ(CountDifferences(y.view(), expected.view()), 0)
              << rows << " rows of " << width;
          ASSERT_TRUE(y.GapsAreWhole());
          TestRows in_place = x;
          LayerNorm(in_place.view(), p.weight, p.bias, 1e-5f, in_place.view(),
                    pool);
          ASSERT_EQ(CountDifferences(in_place.view(), expected.view()), 0);
        });
      }
    }
  }
}

TEST_F(NormTest, LayerNormStaysWithinTheOracle) {
  for (const int64_t width : {1, 17, 768, 1531}) {
    const std::vector<float> weight = UniformFloats(width, -2, 2, random_);
    const std::vector<float> bias = UniformFloats(width, -2, 2, random_);
    // Far from zero, where a one-pass variance would cancel.
    for (const float centre : {0.0f, 50.0f}) {
      TestRows x =
          TestRows::Uniform(20, width, centre - 3, centre + 3, random_);
      TestRows y(20, width);
      LayerNorm(x.view(), weight.data(), bias.data(), 1e-6f, y.view(),
                pools_[1]);
      EXPECT_LE(WorstError(y.view(), LayerNormOracle(x.view(), weight.data(),
                                                     bias.data(), 1e-6f)),
                1)
          << width << " around " << centre;
    }
  }
}

TEST_F(NormTest, OneBadRowDoesNotTouchTheOthers) {
  TestRows x = TestRows::Uniform(3, 50, -3, 3, random_);
  TestRows expected(3, 50);
  RmsNorm(x.view(), nullptr, 1e-5f, expected.view(), pools_[0]);
  x.view().row(1)[49] = std::nanf("");
  TestRows y(3, 50);
  RmsNorm(x.view(), nullptr, 1e-5f, y.view(), pools_[0]);
  EXPECT_EQ(CountDifferences(y.Slice(0, 1), expected.Slice(0, 1)), 0);
  EXPECT_EQ(CountDifferences(y.Slice(2, 1), expected.Slice(2, 1)), 0);
  EXPECT_TRUE(std::isnan(y.view().row(1)[0]));
}

}  // namespace
}  // namespace braid
