#include "kernels/conv.h"

#include "base/format.h"
#include "kernels/ref/conv_twin.h"
#include "kernels/state_kernel_testing.h"

namespace braid {
namespace {

class ConvTest : public StateKernelTest {
 protected:
  // Weights, inputs of several sequences back to back, and states.
  struct Case {
    int channels;
    int taps;
    bool with_bias;
    Activation activation;
    std::vector<int> lengths;
  };

  void SetCase(const Case& c) {
    case_ = c;
    SetLengths(c.lengths, Format("{} channels, {} taps", c.channels, c.taps));
    weight_ = UniformFloats(c.taps * c.channels, -1, 1, random_);
    bias_ = UniformFloats(c.channels, -1, 1, random_);
    x_ = TestRows::Uniform(rows_, c.channels, -2, 2, random_);
    SetStates([&] {
      return UniformFloats((c.taps - 1) * c.channels + 1, -2, 2, random_);
    });
  }

  const float* bias() const { return case_.with_bias ? bias_.data() : nullptr; }

  void Convolve(std::span<const StateRun> runs, ConstRows x, Rows y,
                ThreadPool& pool) {
    CausalConv(runs, x, weight_.data(), case_.taps, bias(), case_.activation, y,
               pool);
  }

  Result Twin() {
    Result result{TestRows(rows_, case_.channels)};
    const auto runs = Runs(false, result);
    CausalConvTwin(runs, x_.view(), weight_.data(), case_.taps, bias(),
                   case_.activation, result.y.view());
    return result;
  }

  Case case_;
  std::vector<float> weight_;
  std::vector<float> bias_;
  TestRows x_{0, 0};
};

TEST_F(ConvTest, EqualsTheTwin) {
  for (int taps = 1; taps <= 8; ++taps) {
    for (const int channels : {1, 16, 23, 200}) {
      const bool odd = taps % 2 == 1;
      SetCase({channels,
               taps,
               channels != 23,
               odd ? Activation::kSilu : Activation::kNone,
               {1, 7, 70, 2, 1, 33}});
      const Result expected = Twin();
      ForTargetsAndThreads([&](ThreadPool& pool) {
        for (const bool in_place : {false, true}) {
          Result result{TestRows(rows_, channels, 2)};
          Convolve(Runs(in_place, result), x_.view(), result.y.view(), pool);
          ExpectSame(result, expected);
        }
        Result result{x_};  // y is x
        Convolve(Runs(true, result), result.y.view(), result.y.view(), pool);
        ExpectSame(result, expected);
      });
    }
  }
}

TEST_F(ConvTest, CutsDoNotShow) {
  SetCase({100, 4, true, Activation::kSilu, {90, 51}});
  ExpectCutsDoNotShow(Twin(), [&](auto runs, Rows y, ThreadPool& pool) {
    Convolve(runs, x_.view(), y, pool);
  });
}

TEST_F(ConvTest, StaysWithinTheOracle) {
  for (const Activation activation : {Activation::kNone, Activation::kSilu}) {
    for (const int taps : {1, 4, 8}) {
      SetCase({37, taps, true, activation, {50}});
      TestRows y(50, 37);
      std::vector<float> state(static_cast<size_t>((taps - 1) * 37 + 1));
      const StateRun run = {0, 50, nullptr, state.data()};
      Convolve({&run, 1}, x_.view(), y.view(), pools_[1]);
      EXPECT_LE(
          WorstError(y.view(), CausalConvOracle(x_.view(), weight_.data(), taps,
                                                bias(), activation)),
          1);
    }
  }
}

}  // namespace
}  // namespace braid
