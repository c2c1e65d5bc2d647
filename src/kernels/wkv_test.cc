#include "kernels/wkv.h"

#include "base/format.h"
#include "kernels/mix.h"
#include "kernels/ref/wkv_twin.h"
#include "kernels/state_kernel_testing.h"

namespace braid {
namespace {

// Head sizes below, at and between the widths of the vectors.
constexpr WkvShape kShapes[] = {{1, 1},  {3, 5},  {2, 16}, {2, 24},
                                {3, 47}, {4, 64}, {1, 80}};

// Both recurrences: RWKV-6, and RWKV-7 with `removal` and `rate`.
class WkvTest : public StateKernelTest,
                public testing::WithParamInterface<int> {
 protected:
  void SetCase(const WkvShape& shape, std::vector<int> lengths) {
    shape_ = shape;
    SetLengths(std::move(lengths),
               Format("{} heads of {}", shape.heads, shape.head_size));
    const int64_t width = shape.channels();
    r_ = TestRows::Uniform(rows_, width, -1, 1, random_);
    k_ = TestRows::Uniform(rows_, width, -1, 1, random_);
    v_ = TestRows::Uniform(rows_, width, -2, 2, random_);
    w_ = TestRows::Uniform(rows_, width, 0, 1, random_);
    const float most = 1 / std::sqrt(static_cast<float>(shape.head_size));
    removal_ = TestRows::Uniform(rows_, width, -most, most, random_);
    rate_ = TestRows::Uniform(rows_, width, 0, 1, random_);
    first_ = UniformFloats(width, -1, 1, random_);
    SetStates([&] { return InitialState(); });
  }

  // Random where there is a value channel, zero in the padding.
  std::vector<float> InitialState() {
    std::vector<float> state(shape_.StateFloats(), 0.0f);
    const int size = shape_.head_size;
    for (int64_t head = 0; head < shape_.heads; ++head) {
      for (int j = 0; j < size; ++j) {
        for (int i = 0; i < size; ++i) {
          const int64_t at = head * shape_.HeadFloats() +
                             (int64_t{j} / 16 * size + i) * 16 + j % 16;
          state[static_cast<size_t>(at)] = random_.Uniform(-1, 1);
        }
      }
    }
    return state;
  }

  WkvInputs Inputs() { return {r_.view(), k_.view(), v_.view(), w_.view()}; }

  void Walk(std::span<const StateRun> runs, Rows y, ThreadPool& pool) {
    if (GetParam() == 6) {
      Wkv6(shape_, runs, Inputs(), first_.data(), y, pool);
    } else {
      Wkv7(shape_, runs, Inputs(), removal_.view(), rate_.view(), y, pool);
    }
  }

  Result Twin() {
    Result result{TestRows(rows_, shape_.channels())};
    const auto runs = Runs(false, result);
    if (GetParam() == 6) {
      Wkv6Twin(shape_, runs, Inputs(), first_.data(), result.y.view());
    } else {
      Wkv7Twin(shape_, runs, Inputs(), removal_.view(), rate_.view(),
               result.y.view());
    }
    return result;
  }

  WkvShape shape_;
  TestRows r_{0, 0};
  TestRows k_{0, 0};
  TestRows v_{0, 0};
  TestRows w_{0, 0};
  TestRows removal_{0, 0};
  TestRows rate_{0, 0};
  std::vector<float> first_;
};

TEST_P(WkvTest, EqualsTheTwin) {
  for (const WkvShape& shape : kShapes) {
    SetCase(shape, {1, 5, 9, 1, 2});
    const Result expected = Twin();
    ForTargetsAndThreads([&](ThreadPool& pool) {
      for (const bool in_place : {false, true}) {
        Result result{TestRows(rows_, shape.channels(), 2)};
        Walk(Runs(in_place, result), result.y.view(), pool);
        ExpectSame(result, expected);
      }
    });
  }
}

TEST_P(WkvTest, CutsDoNotShow) {
  SetCase({3, 40}, {50, 31});
  ExpectCutsDoNotShow(Twin(), [&](auto runs, Rows y, ThreadPool& pool) {
    Walk(runs, y, pool);
  });
}

TEST_P(WkvTest, StaysWithinTheOracle) {
  for (const WkvShape& shape : kShapes) {
    SetCase(shape, {12});
    TestRows y(12, shape.channels());
    std::vector<float> state(shape.StateFloats());
    const StateRun run = {0, 12, nullptr, state.data()};
    Walk({&run, 1}, y.view(), pools_[1]);
    const std::vector<OracleValue> oracle =
        GetParam() == 6
            ? Wkv6Oracle(shape, Inputs(), first_.data())
            : Wkv7Oracle(shape, Inputs(), removal_.view(), rate_.view());
    EXPECT_LE(WorstError(y.view(), oracle), 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Rwkv, WkvTest, testing::Values(6, 7));

class WkvPartsTest : public KernelTest {};

TEST_F(WkvPartsTest, BonusEqualsTheTwin) {
  for (const WkvShape& shape : kShapes) {
    const TestRows r = TestRows::Uniform(7, shape.channels(), -1, 1, random_);
    const TestRows k = TestRows::Uniform(7, shape.channels(), -1, 1, random_);
    const TestRows v = TestRows::Uniform(7, shape.channels(), -1, 1, random_);
    const TestRows y = TestRows::Uniform(7, shape.channels(), -1, 1, random_);
    const std::vector<float> weight =
        UniformFloats(shape.channels(), -1, 1, random_);
    const WkvInputs inputs = {r.view(), k.view(), v.view(), {}};
    TestRows expected = y;
    Wkv7AddBonusTwin(shape, inputs, weight.data(), expected.view());
    ForTargetsAndThreads([&](ThreadPool& pool) {
      TestRows got = y;
      Wkv7AddBonus(shape, inputs, weight.data(), got.view(), pool);
      ASSERT_EQ(CountDifferences(got.view(), expected.view()), 0)
          << shape.head_size;
      ASSERT_TRUE(got.GapsAreWhole());
    });
  }
}

TEST_F(WkvPartsTest, DecaysEqualTwinAndOracle) {
  for (const bool rwkv7 : {false, true}) {
    const auto twin = rwkv7 ? Wkv7DecayTwin : Wkv6DecayTwin;
    const auto oracle = rwkv7 ? Wkv7DecayOracle : Wkv6DecayOracle;
    const TestRows x = TestRows::Uniform(5, 37, -20, 5, random_);
    std::vector<OracleValue> exact;
    TestRows expected(5, 37);
    for (int m = 0; m < 5; ++m) {
      for (int i = 0; i < 37; ++i) {
        expected.view().row(m)[i] = twin(x.view().row(m)[i]);
        exact.push_back(oracle(x.view().row(m)[i]));
      }
    }
    ForTargetsAndThreads([&](ThreadPool& pool) {
      TestRows y = x;
      (rwkv7 ? Wkv7Decay : Wkv6Decay)(y.view(), y.view(), pool);
      ASSERT_EQ(CountDifferences(y.view(), expected.view()), 0);
      ASSERT_LE(WorstError(y.view(), exact), 1);
    });
  }
  // Beyond the exponential's range the state is kept, or forgotten at once.
  TestRows edges(1, 3);
  const float values[] = {-200, 89, 200};
  std::copy(std::begin(values), std::end(values), edges.view().row(0));
  Wkv6Decay(edges.view(), edges.view(), pools_[0]);
  EXPECT_EQ(edges.view().row(0)[0], 1.0f);
  EXPECT_EQ(edges.view().row(0)[1], 0.0f);
  EXPECT_EQ(edges.view().row(0)[2], 0.0f);
}

TEST_F(WkvPartsTest, MixturesEqualTheTwins) {
  for (const int64_t width : {1, 7, 16, 33, 100}) {
    const TestRows a = TestRows::Uniform(9, width, -3, 3, random_);
    const TestRows b = TestRows::Uniform(9, width, -3, 3, random_);
    const std::vector<float> one = UniformFloats(width, -1, 1, random_);
    const ConstRows all = {one.data(), 9, width, 0};
    TestRows product(9, width);
    TestRows sum(9, width);
    TestRows lerp(9, width);
    TestRows scaled(9, width);
    for (int m = 0; m < 9; ++m) {
      for (int64_t i = 0; i < width; ++i) {
        const float x = a.view().row(m)[i];
        const float y = b.view().row(m)[i];
        product.view().row(m)[i] = x * all.row(m)[i];
        sum.view().row(m)[i] = std::fma(x, y, all.row(m)[i]);
        lerp.view().row(m)[i] = LerpTwin(x, y, all.row(m)[i]);
        scaled.view().row(m)[i] = x * b.view().row(m)[0];
      }
    }
    ForTargetsAndThreads([&](ThreadPool& pool) {
      TestRows y = a;
      Multiply(y.view(), all, y.view(), pool);
      ASSERT_EQ(CountDifferences(y.view(), product.view()), 0);
      y = a;
      MultiplyAdd(y.view(), b.view(), all, y.view(), pool);
      ASSERT_EQ(CountDifferences(y.view(), sum.view()), 0);
      y = b;
      Lerp(a.view(), y.view(), all, y.view(), pool);
      ASSERT_EQ(CountDifferences(y.view(), lerp.view()), 0);
      ASSERT_TRUE(y.GapsAreWhole());
      y = a;
      ScaleRows(y.view(), b.view().Columns(0, 1), y.view(), pool);
      ASSERT_EQ(CountDifferences(y.view(), scaled.view()), 0);
      ASSERT_TRUE(y.GapsAreWhole());
    });
  }
}

}  // namespace
}  // namespace braid
