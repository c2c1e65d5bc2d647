#include "kernels/moe.h"

#include "kernels/kernel_testing.h"
#include "kernels/ref/moe_twin.h"

namespace braid {
namespace {

// A routing and the memory that it points to.
struct OwnedRouting {
  OwnedRouting(int64_t rows, int selected)
      : experts(static_cast<size_t>(rows * selected), -1),
        weights(experts.size(), -1.0f),
        view{rows, selected, experts.data(), weights.data()} {}
  std::vector<int32_t> experts;
  std::vector<float> weights;
  Routing view;
};

class MoeTest : public KernelTest {
 protected:
  OwnedRouting Routed(const RoutingConfig& config, ConstRows logits,
                      const float* bias = nullptr) {
    OwnedRouting routing(logits.rows, config.selected);
    Route(config, logits, bias, routing.view, arena_, pools_[0]);
    return routing;
  }

  static std::vector<RoutingConfig> Configs() {
    std::vector<RoutingConfig> configs;
    for (const ExpertGate gate : {ExpertGate::kSoftmax, ExpertGate::kSigmoid,
                                  ExpertGate::kSoftmaxOfSelected}) {
      for (const bool normalized : {false, true}) {
        const RoutingConfig base = {
            .gate = gate, .normalized = normalized, .scale = 2.5f};
        const auto add = [&](int experts, int selected, int groups,
                             int selected_groups, GroupScore score) {
          configs.push_back(base);
          RoutingConfig& config = configs.back();
          config.experts = experts;
          config.selected = selected;
          config.groups = groups;
          config.selected_groups = selected_groups;
          config.group_score = score;
        };
        add(1, 1, 1, 1, GroupScore::kLargest);
        add(8, 2, 1, 1, GroupScore::kLargest);
        add(17, 17, 1, 1, GroupScore::kLargest);
        add(24, 5, 6, 2, GroupScore::kLargest);
        add(24, 5, 6, 2, GroupScore::kTwoLargest);
        add(6, 3, 6, 4, GroupScore::kTwoLargest);
      }
    }
    return configs;
  }

  Arena arena_;
};

TEST_F(MoeTest, RoutingEqualsTheTwin) {
  const std::vector<float> bias = UniformFloats(24, -0.5f, 0.5f, random_);
  for (const RoutingConfig& config : Configs()) {
    for (const int64_t rows : {1, 3, 150}) {
      TestRows logits = TestRows::Uniform(rows, config.experts, -4, 4, random_);
      // Ties, and a row of them.
      for (int e = 0; e < config.experts; ++e) {
        logits.view().row(0)[e] = static_cast<float>(e % 3);
      }
      for (const float* b : {bias.data(), static_cast<const float*>(nullptr)}) {
        OwnedRouting expected(rows, config.selected);
        RouteTwin(config, logits.view(), b, expected.view);
        ForTargetsAndThreads([&](ThreadPool& pool) {
          OwnedRouting routing(rows, config.selected);
          Route(config, logits.view(), b, routing.view, arena_, pool);
          ASSERT_EQ(routing.experts, expected.experts);
          ASSERT_EQ(CountDifferences(routing.weights, expected.weights), 0);
        });
      }
    }
  }
}

TEST_F(MoeTest, WeightsStayWithinTheOracle) {
  for (const RoutingConfig& config : Configs()) {
    const TestRows logits =
        TestRows::Uniform(20, config.experts, -6, 6, random_);
    const OwnedRouting routing = Routed(config, logits.view());
    const ConstRows weights = {routing.weights.data(), 20, config.selected,
                               config.selected};
    EXPECT_LE(WorstError(weights, ExpertWeightsOracle(config, logits.view(),
                                                      routing.view)),
              1);
  }
}

TEST_F(MoeTest, EqualScoresGoToTheLowerExpert) {
  const RoutingConfig config = {.experts = 5, .selected = 3};
  TestRows logits(1, 5);
  for (int e = 0; e < 5; ++e) logits.view().row(0)[e] = e == 3 ? 1.0f : 0.5f;
  EXPECT_EQ(Routed(config, logits.view()).experts,
            (std::vector<int32_t>{3, 0, 1}));
}

TEST_F(MoeTest, BiasMovesTheRankingAndNotTheWeights) {
  const RoutingConfig config = {
      .experts = 3, .selected = 1, .gate = ExpertGate::kSigmoid};
  TestRows logits(1, 3);
  for (int e = 0; e < 3; ++e) logits.view().row(0)[e] = 0;
  const float bias[] = {0, 0, 1};
  const OwnedRouting routing = Routed(config, logits.view(), bias);
  EXPECT_EQ(routing.experts[0], 2);
  EXPECT_EQ(routing.weights[0], 0.5f);
}

TEST_F(MoeTest, GroupsLimitTheChoice) {
  RoutingConfig config = {.experts = 4,
                          .selected = 2,
                          .gate = ExpertGate::kSoftmaxOfSelected,
                          .groups = 2,
                          .selected_groups = 1,
                          .group_score = GroupScore::kLargest};
  TestRows logits(1, 4);
  const float row[] = {3, -9, 2, 2};  // the best expert, the best pair
  std::copy_n(row, 4, logits.view().row(0));
  EXPECT_EQ(Routed(config, logits.view()).experts,
            (std::vector<int32_t>{0, 1}));
  config.group_score = GroupScore::kTwoLargest;
  EXPECT_EQ(Routed(config, logits.view()).experts,
            (std::vector<int32_t>{2, 3}));
}

TEST_F(MoeTest, ARowOfNanStillNamesExpertsAndSpoilsNoOther) {
  const RoutingConfig config = {.experts = 9, .selected = 4};
  TestRows logits = TestRows::Uniform(2, 9, -1, 1, random_);
  const OwnedRouting whole = Routed(config, logits.view());
  logits.view().row(0)[5] = std::nanf("");
  const OwnedRouting routing = Routed(config, logits.view());
  for (int r = 0; r < 4; ++r) {
    EXPECT_EQ(routing.experts[r], r);
    EXPECT_TRUE(std::isnan(routing.weights[r]));
    EXPECT_EQ(routing.experts[4 + r], whole.experts[4 + r]);
    EXPECT_EQ(routing.weights[4 + r], whole.weights[4 + r]);
  }
}

TEST_F(MoeTest, SumEqualsTheTwinAndStaysWithinTheOracle) {
  for (const int64_t width : {1, 15, 16, 33, 300}) {
    for (const int selected : {1, 2, 7}) {
      constexpr int64_t kRows = 40;
      OwnedRouting routing(kRows, selected);
      routing.weights = UniformFloats(kRows * selected, -1, 1, random_);
      routing.view.weights = routing.weights.data();
      std::vector<int32_t> places;
      for (int64_t i = 0; i < kRows * selected; ++i) {
        places.push_back(random_.Below(50));
      }
      const TestRows x = TestRows::Uniform(50, width, -2, 2, random_);
      TestRows expected(kRows, width);
      SumExpertsTwin(routing.view, places.data(), x.view(), expected.view());
      EXPECT_LE(
          WorstError(expected.view(),
                     SumExpertsOracle(routing.view, places.data(), x.view())),
          1);
      ForTargetsAndThreads([&](ThreadPool& pool) {
        TestRows y(kRows, width);
        SumExperts(routing.view, places.data(), x.view(), y.view(), pool);
        ASSERT_EQ(CountDifferences(y.view(), expected.view()), 0);
        ASSERT_TRUE(y.GapsAreWhole());
      });
    }
  }
}

}  // namespace
}  // namespace braid
