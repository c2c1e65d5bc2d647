#include "kernels/conv.h"

#include "kernels/kernel_testing.h"
#include "kernels/ref/conv_twin.h"

namespace braid {
namespace {

class ConvTest : public KernelTest {
 protected:
  // Weights, inputs of several sequences back to back, and states.
  struct Case {
    int channels;
    int taps;
    bool with_bias;
    Activation activation;
    std::vector<int> lengths;
  };

  struct Result {
    TestRows y;
    std::vector<std::vector<float>> states;
  };

  void SetCase(const Case& c) {
    case_ = c;
    rows_ = 0;
    for (const int length : c.lengths) rows_ += length;
    weight_ = UniformFloats(c.taps * c.channels, -1, 1, random_);
    bias_ = UniformFloats(c.channels, -1, 1, random_);
    x_ = TestRows::Uniform(rows_, c.channels, -2, 2, random_);
    initial_.clear();
    for (size_t i = 0; i < c.lengths.size(); ++i) {
      initial_.push_back(
          UniformFloats((c.taps - 1) * c.channels + 1, -2, 2, random_));
    }
  }

  const float* bias() const { return case_.with_bias ? bias_.data() : nullptr; }

  // Every second sequence is fresh; states are separate from their sources or,
  // with `in_place`, the same memory.
  std::vector<StateRun> Runs(bool in_place, Result& result) {
    std::vector<StateRun> runs;
    result.states = initial_;
    int begin = 0;
    for (size_t i = 0; i < case_.lengths.size(); ++i) {
      StateRun run;
      run.begin = begin;
      run.length = case_.lengths[i];
      if (i % 2 == 0) {
        run.source = in_place ? result.states[i].data() : initial_[i].data();
      }
      run.destination = result.states[i].data();
      runs.push_back(run);
      begin += run.length;
    }
    return runs;
  }

  Result Twin() {
    Result result{TestRows(rows_, case_.channels), {}};
    const auto runs = Runs(false, result);
    CausalConvTwin(runs, x_.view(), weight_.data(), case_.taps, bias(),
                   case_.activation, result.y.view());
    return result;
  }

  void ExpectSame(const Result& got, const Result& expected) {
    EXPECT_EQ(CountDifferences(got.y.view(), expected.y.view()), 0);
    for (size_t i = 0; i < expected.states.size(); ++i) {
      EXPECT_EQ(CountDifferences(got.states[i], expected.states[i]), 0)
          << "state " << i;
    }
    ASSERT_FALSE(HasFailure())
        << case_.channels << " channels, " << case_.taps << " taps";
  }

  Case case_;
  int rows_ = 0;
  std::vector<float> weight_;
  std::vector<float> bias_;
  TestRows x_{0, 0};
  std::vector<std::vector<float>> initial_;
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
          Result result{TestRows(rows_, channels, 2), {}};
          const auto runs = Runs(in_place, result);
          CausalConv(runs, x_.view(), weight_.data(), taps, bias(),
                     case_.activation, result.y.view(), pool);
          ASSERT_TRUE(result.y.GapsAreWhole());
          ExpectSame(result, expected);
        }
        Result result{x_, {}};  // y is x
        const auto runs = Runs(true, result);
        CausalConv(runs, result.y.view(), weight_.data(), taps, bias(),
                   case_.activation, result.y.view(), pool);
        ExpectSame(result, expected);
      });
    }
  }
}

TEST_F(ConvTest, CutsDoNotShow) {
  SetCase({100, 4, true, Activation::kSilu, {90, 51}});
  const Result expected = Twin();
  ForTargetsAndThreads([&](ThreadPool& pool) {
    for (const int longest : {1, 3, 40}) {
      Result result{TestRows(rows_, 100), {}};
      for (const StateRun& whole : Runs(true, result)) {
        StateRun part = whole;
        for (const int length : RandomCuts(whole.length, longest)) {
          part.length = length;
          CausalConv({&part, 1}, x_.view(), weight_.data(), 4, bias(),
                     case_.activation, result.y.view(), pool);
          part.begin += length;
          part.source = part.destination;
        }
      }
      ExpectSame(result, expected);
    }
  });
}

TEST_F(ConvTest, StaysWithinTheOracle) {
  for (const Activation activation : {Activation::kNone, Activation::kSilu}) {
    for (const int taps : {1, 4, 8}) {
      SetCase({37, taps, true, activation, {50}});
      TestRows y(50, 37);
      std::vector<float> state(static_cast<size_t>((taps - 1) * 37 + 1));
      const StateRun run = {0, 50, nullptr, state.data()};
      CausalConv({&run, 1}, x_.view(), weight_.data(), taps, bias(), activation,
                 y.view(), pools_[1]);
      EXPECT_LE(
          WorstError(y.view(), CausalConvOracle(x_.view(), weight_.data(), taps,
                                                bias(), activation)),
          1);
    }
  }
}

}  // namespace
}  // namespace braid
