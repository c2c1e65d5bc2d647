#include "kernels/scan.h"

#include "base/format.h"
#include "kernels/ref/scan_twin.h"
#include "kernels/state_kernel_testing.h"

namespace braid {
namespace {

class ScanTest : public StateKernelTest {
 protected:
  void SetCase(int channels, int states, std::vector<int> lengths) {
    channels_ = channels;
    states_ = states;
    SetLengths(std::move(lengths),
               Format("{} channels, {} states", channels, states));
    a_ = UniformFloats(int64_t{channels} * states, -16, -0.01f, random_);
    d_ = UniformFloats(channels, -1, 1, random_);
    weights_ = ScanWeights(a_.data(), d_.data(), channels, states);
    x_ = TestRows::Uniform(rows_, channels, -2, 2, random_);
    dt_ = TestRows::Uniform(rows_, channels, 0, 0.2f, random_);
    b_ = TestRows::Uniform(rows_, states, -1, 1, random_);
    c_ = TestRows::Uniform(rows_, states, -1, 1, random_);
    // Steps that forget everything: the exponential becomes 0.
    dt_.view().row(rows_ / 2)[0] = 1e4f;
    SetStates([&] { return InitialState(); });
  }

  std::vector<float> InitialState() {
    std::vector<float> state(weights_.StateFloats(), 0.0f);
    for (int c = 0; c < channels_; ++c) {
      for (int n = 0; n < states_; ++n) {
        state[static_cast<size_t>((c / kScanGroup * states_ + n) * kScanGroup +
                                  c % kScanGroup)] = random_.Uniform(-1, 1);
      }
    }
    return state;
  }

  void Scan(std::span<const StateRun> runs, ConstRows x, Rows y,
            ThreadPool& pool) {
    SelectiveScan(weights_, runs, x, dt_.view(), b_.view(), c_.view(), y, pool);
  }

  Result Twin() {
    Result result{TestRows(rows_, channels_)};
    const auto runs = Runs(false, result);
    SelectiveScanTwin(weights_, runs, x_.view(), dt_.view(), b_.view(),
                      c_.view(), result.y.view());
    return result;
  }

  int channels_ = 0;
  int states_ = 0;
  std::vector<float> a_;
  std::vector<float> d_;
  ScanWeights weights_;
  TestRows x_{0, 0};
  TestRows dt_{0, 0};
  TestRows b_{0, 0};
  TestRows c_{0, 0};
};

TEST_F(ScanTest, EqualsTheTwin) {
  for (const int states : {1, 8, 15, 16, 17, 64}) {
    for (const int channels : {1, 16, 23, 200}) {
      SetCase(channels, states, {1, 5, 40, 1, 2});
      const Result expected = Twin();
      ForTargetsAndThreads([&](ThreadPool& pool) {
        for (const bool in_place : {false, true}) {
          Result result{TestRows(rows_, channels, 2)};
          Scan(Runs(in_place, result), x_.view(), result.y.view(), pool);
          ExpectSame(result, expected);
        }
        Result result{x_};  // y is x
        Scan(Runs(true, result), result.y.view(), result.y.view(), pool);
        ExpectSame(result, expected);
      });
    }
  }
}

TEST_F(ScanTest, CutsDoNotShow) {
  SetCase(100, 16, {90, 51});
  ExpectCutsDoNotShow(Twin(), [&](auto runs, Rows y, ThreadPool& pool) {
    Scan(runs, x_.view(), y, pool);
  });
}

TEST_F(ScanTest, StaysWithinTheOracle) {
  for (const int states : {1, 16, 64}) {
    SetCase(37, states, {200});
    TestRows y(200, 37);
    std::vector<float> state(weights_.StateFloats());
    const StateRun run = {0, 200, nullptr, state.data()};
    Scan({&run, 1}, x_.view(), y.view(), pools_[1]);
    EXPECT_LE(WorstError(y.view(),
                         SelectiveScanOracle(a_.data(), d_.data(), x_.view(),
                                             dt_.view(), b_.view(), c_.view())),
              1);
  }
}

TEST_F(ScanTest, NotANumberStaysInItsChannel) {
  SetCase(40, 16, {20});
  const Result expected = Twin();
  x_.view().row(3)[17] = std::nanf("");
  ForTargetsAndThreads([&](ThreadPool& pool) {
    Result result{TestRows(rows_, 40)};
    Scan(Runs(true, result), x_.view(), result.y.view(), pool);
    EXPECT_TRUE(std::isnan(result.y.view().row(19)[17]));
    for (int t = 3; t < 20; ++t) {
      result.y.view().row(t)[17] = expected.y.view().row(t)[17];
    }
    EXPECT_EQ(CountDifferences(result.y.view(), expected.y.view()), 0);
  });
}

}  // namespace
}  // namespace braid
