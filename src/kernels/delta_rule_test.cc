#include "kernels/delta_rule.h"

#include <cmath>

#include "base/format.h"
#include "kernels/ref/delta_rule_twin.h"
#include "kernels/state_kernel_testing.h"

namespace braid {
namespace {

// Sizes below, at and between the widths of the vectors; value heads as many as
// the key heads, and two and three times as many.
constexpr DeltaShape kShapes[] = {
    {.heads = 1, .key_heads = 1, .key_dim = 1, .value_dim = 1},
    {.heads = 3, .key_heads = 3, .key_dim = 5, .value_dim = 7},
    {.heads = 2, .key_heads = 2, .key_dim = 16, .value_dim = 16},
    {.heads = 4, .key_heads = 2, .key_dim = 12, .value_dim = 24},
    {.heads = 4,
     .key_heads = 2,
     .key_dim = 9,
     .value_dim = 47,
     .order = HeadOrder::kTiled},
    {.heads = 6,
     .key_heads = 2,
     .key_dim = 64,
     .value_dim = 64,
     .order = HeadOrder::kTiled},
    {.heads = 1, .key_heads = 1, .key_dim = 128, .value_dim = 80}};

// One decay per head, and one per key channel.
class DeltaRuleTest : public StateKernelTest,
                      public testing::WithParamInterface<bool> {
 protected:
  void SetCase(const DeltaShape& shape, std::vector<int> lengths) {
    shape_ = shape;
    SetLengths(std::move(lengths), Format("{} heads of {} by {}", shape.heads,
                                          shape.key_dim, shape.value_dim));
    const float most = 1 / std::sqrt(static_cast<float>(shape.key_dim));
    const int64_t keys = shape.key_channels();
    q_ = TestRows::Uniform(rows_, keys, -most, most, random_);
    k_ = TestRows::Uniform(rows_, keys, -most, most, random_);
    v_ = TestRows::Uniform(rows_, shape.channels(), -2, 2, random_);
    const int64_t decays =
        GetParam() ? int64_t{shape.heads} * shape.key_dim : shape.heads;
    decay_ = TestRows::Uniform(rows_, decays, 0, 1, random_);
    rate_ = TestRows::Uniform(rows_, shape.heads, 0, 1, random_);
    SetStates([&] { return InitialState(); });
  }

  // Random where there is a value channel, zero in the padding.
  std::vector<float> InitialState() {
    std::vector<float> state(shape_.StateFloats(), 0.0f);
    for (int64_t head = 0; head < shape_.heads; ++head) {
      for (int j = 0; j < shape_.value_dim; ++j) {
        for (int i = 0; i < shape_.key_dim; ++i) {
          const int64_t at = head * shape_.HeadFloats() +
                             (int64_t{j} / 16 * shape_.key_dim + i) * 16 +
                             j % 16;
          state[static_cast<size_t>(at)] = random_.Uniform(-1, 1);
        }
      }
    }
    return state;
  }

  DeltaInputs Inputs() {
    return {q_.view(), k_.view(), v_.view(), decay_.view(), rate_.view()};
  }

  Result Twin() {
    Result result{TestRows(rows_, shape_.channels())};
    DeltaRuleTwin(shape_, Runs(false, result), Inputs(), result.y.view());
    return result;
  }

  DeltaShape shape_;
  TestRows q_{0, 0};
  TestRows k_{0, 0};
  TestRows v_{0, 0};
  TestRows decay_{0, 0};
  TestRows rate_{0, 0};
};

TEST_P(DeltaRuleTest, EqualsTheTwin) {
  for (const DeltaShape& shape : kShapes) {
    SetCase(shape, {1, 5, 9, 1, 2});
    const Result expected = Twin();
    ForTargetsAndThreads([&](ThreadPool& pool) {
      for (const bool in_place : {false, true}) {
        Result result{TestRows(rows_, shape.channels(), 2)};
        DeltaRule(shape, Runs(in_place, result), Inputs(), result.y.view(),
                  pool);
        ExpectSame(result, expected);
      }
    });
  }
}

TEST_P(DeltaRuleTest, CutsDoNotShow) {
  SetCase({.heads = 4, .key_heads = 2, .key_dim = 33, .value_dim = 40},
          {50, 31});
  ExpectCutsDoNotShow(Twin(), [&](auto runs, Rows y, ThreadPool& pool) {
    DeltaRule(shape_, runs, Inputs(), y, pool);
  });
}

TEST_P(DeltaRuleTest, StaysWithinTheOracle) {
  for (const DeltaShape& shape : kShapes) {
    SetCase(shape, {12});
    TestRows y(12, shape.channels());
    std::vector<float> state(shape.StateFloats());
    const StateRun run = {0, 12, nullptr, state.data()};
    DeltaRule(shape, {&run, 1}, Inputs(), y.view(), pools_[1]);
    EXPECT_LE(WorstError(y.view(), DeltaRuleOracle(shape, Inputs()).y), 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Decays, DeltaRuleTest, testing::Values(false, true),
                         [](const auto& param_info) {
                           return param_info.param ? "PerChannel" : "PerHead";
                         });

// Two rows of one head of two channels, worked out in double precision from the
// definition with queries (1, 2), (-1, .5), keys (.5, -1), (2, 1), values
// (3, -1), (.25, 4), rates .75, .5: outputs of both rows, and the last state.
struct WorkedExample {
  std::vector<float> log_decay;  // [2 rows][1 or 2]
  double y[4];
  double state[4];  // [key][value]
};

class WorkedExampleTest : public KernelTest,
                          public testing::WithParamInterface<WorkedExample> {};

// Divided by its length, and by `divisor`.
TestRows UnitRows(std::vector<double> values, double divisor) {
  TestRows rows(2, 2);
  for (size_t t = 0; t < 2; ++t) {
    const double x = values[2 * t];
    const double y = values[2 * t + 1];
    const double length = std::sqrt(x * x + y * y + 1e-6) * divisor;
    rows.view().row(static_cast<int64_t>(t))[0] =
        static_cast<float>(x / length);
    rows.view().row(static_cast<int64_t>(t))[1] =
        static_cast<float>(y / length);
  }
  return rows;
}

TEST_P(WorkedExampleTest, IsWhatOracleAndKernelSay) {
  const WorkedExample& example = GetParam();
  const auto width = static_cast<int64_t>(example.log_decay.size()) / 2;
  const DeltaShape shape = {
      .heads = 1, .key_heads = 1, .key_dim = 2, .value_dim = 2};
  const TestRows q = UnitRows({1, 2, -1, .5}, std::sqrt(2.0));
  const TestRows k = UnitRows({.5, -1, 2, 1}, 1);
  const float v[] = {3, -1, .25, 4};
  const float rate[] = {.75, .5};
  std::vector<float> decay;
  for (const float g : example.log_decay) decay.push_back(std::exp(g));
  const DeltaInputs inputs = {q.view(),
                              k.view(),
                              {v, 2, 2, 2},
                              {decay.data(), 2, width, width},
                              {rate, 2, 1, 1}};
  const DeltaOracle oracle = DeltaRuleOracle(shape, inputs);
  // The inputs are rounded to float here.
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(oracle.y[i].value, example.y[i], 3e-7);
    EXPECT_NEAR(oracle.state[i].value, example.state[i], 3e-7);
  }
  TestRows y(2, 2);
  std::vector<float> state(shape.StateFloats());
  const StateRun run = {0, 2, nullptr, state.data()};
  DeltaRule(shape, {&run, 1}, inputs, y.view(), pools_[0]);
  EXPECT_LE(WorstError(y.view(), oracle.y), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Decays, WorkedExampleTest,
    testing::Values(
        WorkedExample{{-.1f, -.5f},
                      {-0.954593677, 0.318197892, -0.825019861, -0.591198754},
                      {0.722112847, 1.585417717, -1.164717225, 1.301300074}},
        WorkedExample{{-.1f, -.3f, -.5f, -.05f},
                      {-0.954593677, 0.318197892, -1.110194055, -0.496140689},
                      {0.86085134, 1.539171552, -1.789040584, 1.509407861}}));

}  // namespace
}  // namespace braid
