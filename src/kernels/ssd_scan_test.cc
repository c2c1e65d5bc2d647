#include "kernels/ssd_scan.h"

#include "base/format.h"
#include "kernels/ref/ssd_twin.h"
#include "kernels/state_kernel_testing.h"

namespace braid {
namespace {

class SsdScanTest : public StateKernelTest {
 protected:
  void SetCase(const SsdShape& shape, std::vector<int> lengths) {
    shape_ = shape;
    SetLengths(std::move(lengths),
               Format("{} heads of {}, {} groups, {} states", shape.heads,
                      shape.head_dim, shape.groups, shape.states));
    a_ = UniformFloats(shape.heads, -16, -0.01f, random_);
    d_ = UniformFloats(shape.heads, -1, 1, random_);
    weights_ = SsdWeights(a_.data(), d_.data(), shape);
    const int64_t width = int64_t{shape.groups} * shape.states;
    x_ = TestRows::Uniform(rows_, shape.channels(), -2, 2, random_);
    dt_ = TestRows::Uniform(rows_, shape.heads, 0, 0.2f, random_);
    b_ = TestRows::Uniform(rows_, width, -1, 1, random_);
    c_ = TestRows::Uniform(rows_, width, -1, 1, random_);
    // A step that forgets everything: the exponential becomes 0.
    dt_.view().row(rows_ / 2)[0] = 1e4f;
    SetStates([&] { return InitialState(); });
  }

  // Random where there is a channel, zero in the padding.
  std::vector<float> InitialState() {
    std::vector<float> state(shape_.StateFloats(), 0.0f);
    for (int h = 0; h < shape_.heads; ++h) {
      for (int p = 0; p < shape_.head_dim; ++p) {
        for (int n = 0; n < shape_.states; ++n) {
          const int64_t i = h * shape_.HeadFloats() +
                            (p / 16 * shape_.states + n) * 16 + p % 16;
          state[static_cast<size_t>(i)] = random_.Uniform(-1, 1);
        }
      }
    }
    return state;
  }

  void Scan(std::span<const StateRun> runs, ConstRows x, Rows y,
            ThreadPool& pool) {
    SsdScan(weights_, runs, x, dt_.view(), b_.view(), c_.view(), y, pool);
  }

  Result Twin() {
    Result result{TestRows(rows_, shape_.channels())};
    const auto runs = Runs(false, result);
    SsdScanTwin(weights_, runs, x_.view(), dt_.view(), b_.view(), c_.view(),
                result.y.view());
    return result;
  }

  SsdShape shape_;
  std::vector<float> a_;
  std::vector<float> d_;
  SsdWeights weights_;
  TestRows x_{0, 0};
  TestRows dt_{0, 0};
  TestRows b_{0, 0};
  TestRows c_{0, 0};
};

// Head sizes below, at and between the widths of the vectors; state sizes that
// are no multiple of anything.
constexpr SsdShape kShapes[] = {
    {1, 1, 1, 1},   {3, 5, 1, 7},    {4, 16, 2, 16}, {2, 24, 2, 17},
    {6, 47, 3, 33}, {8, 64, 8, 128}, {2, 80, 1, 64}, {3, 130, 1, 9},
};

TEST_F(SsdScanTest, EqualsTheTwin) {
  for (const SsdShape& shape : kShapes) {
    SetCase(shape, {1, 5, 22, 1, 2});
    const Result expected = Twin();
    ForTargetsAndThreads([&](ThreadPool& pool) {
      for (const bool in_place : {false, true}) {
        Result result{TestRows(rows_, shape.channels(), 2)};
        Scan(Runs(in_place, result), x_.view(), result.y.view(), pool);
        ExpectSame(result, expected);
      }
      Result result{x_};  // y is x
      Scan(Runs(true, result), result.y.view(), result.y.view(), pool);
      ExpectSame(result, expected);
    });
  }
}

TEST_F(SsdScanTest, CutsDoNotShow) {
  SetCase({4, 40, 2, 20}, {90, 51});
  ExpectCutsDoNotShow(Twin(), [&](auto runs, Rows y, ThreadPool& pool) {
    Scan(runs, x_.view(), y, pool);
  });
}

TEST_F(SsdScanTest, StaysWithinTheOracle) {
  for (const SsdShape& shape : kShapes) {
    SetCase(shape, {100});
    TestRows y(100, shape.channels());
    std::vector<float> state(shape.StateFloats());
    const StateRun run = {0, 100, nullptr, state.data()};
    Scan({&run, 1}, x_.view(), y.view(), pools_[1]);
    EXPECT_LE(WorstError(y.view(),
                         SsdScanOracle(a_.data(), d_.data(), shape, x_.view(),
                                       dt_.view(), b_.view(), c_.view())),
              1);
  }
}

TEST_F(SsdScanTest, NotANumberStaysInItsChannel) {
  SetCase({2, 20, 1, 16}, {20});
  const Result expected = Twin();
  x_.view().row(3)[17] = std::nanf("");
  ForTargetsAndThreads([&](ThreadPool& pool) {
    Result result{TestRows(rows_, 40)};
    Scan(Runs(true, result), x_.view(), result.y.view(), pool);
    EXPECT_TRUE(std::isnan(result.y.view().row(9)[17]));
    for (int t = 3; t < 20; ++t) {
      result.y.view().row(t)[17] = expected.y.view().row(t)[17];
    }
    EXPECT_EQ(CountDifferences(result.y.view(), expected.y.view()), 0);
  });
}

}  // namespace
}  // namespace braid
