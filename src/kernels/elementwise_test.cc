#include "kernels/elementwise.h"

#include <limits>

#include "kernels/element_functions.h"
#include "kernels/kernel_testing.h"
#include "kernels/ref/element_functions.h"
#include "kernels/ref/elementwise_twin.h"

namespace braid {
namespace {

constexpr int64_t kWidths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 100, 768};
constexpr int64_t kRowCounts[] = {1, 3, 40};
constexpr Nonlinearity kNonlinearities[] = {
    Nonlinearity::kSilu,    Nonlinearity::kSigmoid,    Nonlinearity::kTanh,
    Nonlinearity::kGeluErf, Nonlinearity::kGeluTanh,   Nonlinearity::kGeluQuick,
    Nonlinearity::kRelu,    Nonlinearity::kReluSquared};

class ElementwiseTest : public KernelTest {
 protected:
  // Kernel and twin on rows of every width, into other rows and in place.
  template <class Kernel, class Twin>
  void ExpectTwin(float low, float high, const Kernel& kernel,
                  const Twin& twin) {
    for (const int64_t width : kWidths) {
      for (const int64_t rows : kRowCounts) {
        TestRows x = TestRows::Uniform(rows, width, low, high, random_);
        TestRows expected(rows, width);
        twin(x.view(), expected.view());
        ForTargetsAndThreads([&](ThreadPool& pool) {
          TestRows y(rows, width, 3);
          kernel(x.view(), y.view(), pool);
          ASSERT_EQ(CountDifferences(y.view(), expected.view()), 0)
              << rows << " rows of " << width;
          ASSERT_TRUE(y.GapsAreWhole());
          TestRows in_place = x;
          kernel(in_place.view(), in_place.view(), pool);
          ASSERT_EQ(CountDifferences(in_place.view(), expected.view()), 0)
              << rows << " rows of " << width << ", in place";
        });
      }
    }
  }

  // One row with the values at which something changes, and their neighbours.
  static TestRows SpecialValues() {
    std::vector<float> values;
    for (const float v :
         {0.0f, 1.0f, 20.0f, 87.3f, 87.33655f, 88.37f, 88.72284f, 100.0f, 1e30f,
          1e-30f, 1e-38f, 1e-42f, 0.34657359f, 0.625f, 9.0f, 13.2f,
          std::numeric_limits<float>::max(), kInfinity}) {
      for (const float sign : {1.0f, -1.0f}) {
        values.push_back(sign * v);
        values.push_back(std::nextafter(sign * v, kInfinity));
        values.push_back(std::nextafter(sign * v, -kInfinity));
      }
    }
    values.push_back(std::numeric_limits<float>::quiet_NaN());
    TestRows rows(1, static_cast<int64_t>(values.size()));
    std::copy(values.begin(), values.end(), rows.view().row(0));
    return rows;
  }
};

TEST_F(ElementwiseTest, EqualsTheTwins) {
  ExpectTwin(
      -90, 90, [](ConstRows x, Rows y, ThreadPool& pool) { Exp(x, y, pool); },
      [](ConstRows x, Rows y) { ExpTwin(x, y); });
  ExpectTwin(
      -30, 30,
      [](ConstRows x, Rows y, ThreadPool& pool) { Softmax(x, y, pool); },
      [](ConstRows x, Rows y) { SoftmaxTwin(x, y); });
  const std::vector<float> bias = UniformFloats(768, -5, 5, random_);
  ExpectTwin(
      -30, 30,
      [&](ConstRows x, Rows y, ThreadPool& pool) {
        Softplus(x, bias.data(), y, pool);
      },
      [&](ConstRows x, Rows y) { SoftplusTwin(x, bias.data(), y); });
  ExpectTwin(
      -30, 30,
      [](ConstRows x, Rows y, ThreadPool& pool) { Scale(x, 0.3f, y, pool); },
      [](ConstRows x, Rows y) { ScaleTwin(x, 0.3f, y); });
  ExpectTwin(
      -90, 90,
      [](ConstRows x, Rows y, ThreadPool& pool) { SoftCap(x, 30.0f, y, pool); },
      [](ConstRows x, Rows y) { SoftCapTwin(x, 30.0f, y); });
  // One row for all, as a bias: rows with stride 0.
  ExpectTwin(
      -30, 30,
      [&](ConstRows x, Rows y, ThreadPool& pool) {
        Add(x, {bias.data(), x.rows, x.width, 0}, y, pool);
      },
      [&](ConstRows x, Rows y) {
        AddTwin(x, {bias.data(), x.rows, x.width, 0}, y);
      });
}

TEST_F(ElementwiseTest, NonlinearitiesEqualTheTwins) {
  for (const Nonlinearity f : kNonlinearities) {
    SCOPED_TRACE(static_cast<int>(f));
    ExpectTwin(
        -12, 12,
        [f](ConstRows x, Rows y, ThreadPool& pool) { Activate(f, x, y, pool); },
        [f](ConstRows x, Rows y) { ActivateTwin(f, x, y); });
    TestRows gate = TestRows::Uniform(5, 77, -4, 4, random_);
    TestRows value = TestRows::Uniform(5, 77, -4, 4, random_);
    TestRows expected(5, 77);
    ActivateMulTwin(f, gate.view(), value.view(), expected.view());
    ForTargetsAndThreads([&](ThreadPool& pool) {
      TestRows y = value;
      ActivateMul(f, gate.view(), y.view(), y.view(), pool);
      EXPECT_EQ(CountDifferences(y.view(), expected.view()), 0);
      ASSERT_TRUE(y.GapsAreWhole());
    });
  }
}

TEST_F(ElementwiseTest, SpecialValuesEqualTheTwins) {
  TestRows x = SpecialValues();
  const int64_t width = x.view().width;
  TestRows exp(1, width);
  TestRows softplus(1, width);
  ExpTwin(x.view(), exp.view());
  SoftplusTwin(x.view(), nullptr, softplus.view());
  ForTargetsAndThreads([&](ThreadPool& pool) {
    TestRows y(1, width);
    Exp(x.view(), y.view(), pool);
    EXPECT_EQ(CountDifferences(y.view(), exp.view()), 0);
    Softplus(x.view(), nullptr, y.view(), pool);
    EXPECT_EQ(CountDifferences(y.view(), softplus.view()), 0);
    for (const Nonlinearity f : kNonlinearities) {
      TestRows expected(1, width);
      ActivateTwin(f, x.view(), expected.view());
      Activate(f, x.view(), y.view(), pool);
      EXPECT_EQ(CountDifferences(y.view(), expected.view()), 0)
          << static_cast<int>(f);
    }
  });
}

TEST_F(ElementwiseTest, LimitsOfTheFunctions) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(ExpTwin(0.0f), 1.0f);
  EXPECT_EQ(ExpTwin(-kInfinity), 0.0f);
  EXPECT_EQ(ExpTwin(kInfinity), kInfinity);
  EXPECT_EQ(ExpTwin(89.0f), kInfinity);
  EXPECT_TRUE(std::isnan(ExpTwin(nan)));
  EXPECT_EQ(SoftplusTwin(-kInfinity), 0.0f);
  EXPECT_EQ(SoftplusTwin(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(SoftplusTwin(nan)));
  EXPECT_EQ(SiluTwin(kInfinity), kInfinity);
  EXPECT_EQ(SiluTwin(-1e30f), 0.0f);
  EXPECT_TRUE(std::isnan(SiluTwin(nan)));
  EXPECT_EQ(SigmoidTwin(-kInfinity), 0.0f);
  EXPECT_EQ(SigmoidTwin(kInfinity), 1.0f);
  EXPECT_EQ(TanhTwin(kInfinity), 1.0f);
  EXPECT_EQ(TanhTwin(-10.0f), -1.0f);
  EXPECT_EQ(TanhTwin(0.0f), 0.0f);
  EXPECT_TRUE(std::isnan(TanhTwin(nan)));
  EXPECT_EQ(GeluErfTwin(20.0f), 20.0f);
  EXPECT_EQ(GeluErfTwin(-20.0f), 0.0f);
  EXPECT_EQ(GeluTanhTwin(20.0f), 20.0f);
  EXPECT_EQ(GeluTanhTwin(-20.0f), 0.0f);
  EXPECT_EQ(GeluQuickTwin(kInfinity), kInfinity);
  EXPECT_EQ(ReluTwin(-kInfinity), 0.0f);
  EXPECT_TRUE(std::isnan(ReluTwin(nan)));
  EXPECT_EQ(DecayTwin(-kInfinity, 1.0f), 0.0f);
  EXPECT_EQ(DecayTwin(0.0f, -1.0f), 1.0f);
}

TEST_F(ElementwiseTest, StaysWithinTheOracles) {
  TestRows x = TestRows::Uniform(64, 4096, -95, 88, random_);
  // Small arguments, where most of an activation's values are.
  TestRows small = TestRows::Uniform(64, 4096, -2, 2, random_);
  for (TestRows* rows : {&x, &small}) {
    TestRows y(64, 4096);
    ThreadPool& pool = pools_[1];
    Exp(rows->view(), y.view(), pool);
    EXPECT_LE(WorstError(y.view(), ExpOracle(rows->view())), 1);
    Softplus(rows->view(), nullptr, y.view(), pool);
    EXPECT_LE(WorstError(y.view(), SoftplusOracle(rows->view(), nullptr)), 1);
    for (const Nonlinearity f : kNonlinearities) {
      ActivateMul(f, rows->view(), small.view(), y.view(), pool);
      EXPECT_LE(WorstError(y.view(),
                           ActivateMulOracle(f, rows->view(), small.view())),
                1)
          << static_cast<int>(f);
    }
    SoftCap(rows->view(), 30.0f, y.view(), pool);
    EXPECT_LE(WorstError(y.view(), SoftCapOracle(rows->view(), 30.0f)), 1);
    Softmax(rows->view(), y.view(), pool);
    EXPECT_LE(WorstError(y.view(), SoftmaxOracle(rows->view())), 1);
  }
}

// A wrong polynomial must not pass: the tolerances are tight.
TEST_F(ElementwiseTest, OraclesAreTight) {
  TestRows x = TestRows::Uniform(16, 4096, -20, 20, random_);
  TestRows y(16, 4096);
  Exp(x.view(), y.view(), pools_[0]);
  EXPECT_GT(WorstError(y.view(), ExpOracle(x.view())), 0.4);
  Softplus(x.view(), nullptr, y.view(), pools_[0]);
  EXPECT_GT(WorstError(y.view(), SoftplusOracle(x.view(), nullptr)), 0.2);
  const std::vector<float> one(4096, 1.0f);
  const ConstRows ones = {one.data(), 16, 4096, 0};
  for (const Nonlinearity f : kNonlinearities) {
    if (f == Nonlinearity::kRelu) continue;  // exact
    ActivateMul(f, x.view(), ones, y.view(), pools_[0]);
    EXPECT_GT(WorstError(y.view(), ActivateMulOracle(f, x.view(), ones)), 0.1)
        << static_cast<int>(f);
  }
}

TEST_F(ElementwiseTest, DecayStaysWithinItsBound) {
  double worst = 0;
  for (int i = 0; i < 1000000; ++i) {
    const float a = random_.Uniform(0.0f, 10.0f);
    const float b = random_.Uniform(-12.0f, 0.0f);
    const double exact = std::exp2(static_cast<double>(a) * b);
    worst = std::max(worst, std::fabs(DecayTwin(a, b) / exact - 1));
  }
  EXPECT_LT(worst, kExpError);
}

}  // namespace
}  // namespace braid
