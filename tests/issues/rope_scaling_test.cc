// Companions of YaRN and of other scalings were dropped by the converter, and
// by the loader: the models answered, off by more than their own size. Each is
// converted from a folder, loaded, and held against double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "braid/engine.h"
#include "convert/conversion.h"
#include "engine/check_contents.h"
#include "tests/issues/tiny_llama.h"

namespace braid::issues {

namespace {

constexpr double kBase = 10000;
constexpr double kTrained = 4096;
constexpr double kFactor = 4;
// Of the rows' root mean square.
constexpr double kTolerance = 1e-5;

double Frequency(int pair) { return std::pow(kBase, -2.0 * pair / kHeadSize); }

// YaRN's frequencies (Peng et al. 2023, section 3.2; `rounds`: as its authors'
// code rounds the ends of the ramp).
std::vector<double> YarnFrequencies(double fast, double slow, bool rounds) {
  const auto pair_of_turns = [](double turns) {
    return kHeadSize * std::log(kTrained / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(kBase));
  };
  double low = pair_of_turns(fast);
  double high = pair_of_turns(slow);
  if (rounds) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  std::vector<double> frequencies;
  for (int pair = 0; pair < kPairs; ++pair) {
    const double slowed = std::clamp((pair - low) / (high - low), 0.0, 1.0);
    frequencies.push_back(Frequency(pair) * (slowed / kFactor + (1 - slowed)));
  }
  return frequencies;
}

double Temperature(double slope = 1) {
  return 1 + 0.1 * slope * std::log(kFactor);
}

std::vector<double> Scaled(const std::function<double(int)>& scale) {
  std::vector<double> frequencies;
  for (int pair = 0; pair < kPairs; ++pair) {
    frequencies.push_back(Frequency(pair) * scale(pair));
  }
  return frequencies;
}

class RopeScalingIssue : public convert::FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    Write("tokenizer.json", kTinyTokenizer);
    Write("model.safetensors", convert::SafetensorsFile(tensors_));
    for (int i = 0; i < 48; ++i) tokens_.push_back(i * 7 % kVocabulary);
  }

  // The hidden rows of a folder whose config goes on with `members`.
  std::vector<float> Braids(std::string_view architecture,
                            std::string_view members) const {
    Write("config.json",
          Format("{}, {}}", TinyLlamaConfig(architecture), members));
    const auto conversion =
        convert::Conversion::Plan(folder_, {.check = CheckContents});
    EXPECT_TRUE(conversion.ok()) << conversion.error().message;
    if (!conversion.ok()) return {};
    const Status written =
        conversion->Write(Path("out.gguf"), 1,
                          [](const gguf::TensorInfo&, uint64_t, uint64_t) {});
    EXPECT_TRUE(written.ok());
    const auto model =
        Model::Load(Path("out.gguf"), {.threads = 1, .progress = {}});
    EXPECT_TRUE(model.ok()) << model.error().message;
    if (!model.ok()) return {};
    auto engine = Engine::Create(
        *model, {.context = 64, .threads = 1, .kv_type = KvType::kF32});
    EXPECT_TRUE(engine.ok());
    Batch batch;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      batch.Add(tokens_[i], static_cast<Position>(i), 0, Want::kHidden);
    }
    EXPECT_TRUE((*engine)->Decode(batch).ok());
    std::vector<float> rows;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const auto row = (*engine)->Hidden(static_cast<int>(i));
      rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
  }

  // Root mean square of the difference, in those of the reference.
  static double Distance(const std::vector<float>& found,
                         const std::vector<double>& expected) {
    EXPECT_EQ(found.size(), expected.size());
    double error = 0;
    double size = 0;
    for (size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
      error += (found[i] - expected[i]) * (found[i] - expected[i]);
      size += expected[i] * expected[i];
    }
    return std::sqrt(error / size);
  }

  // Right to rounding, and not what Braid makes of the folder without what
  // `members` has more than `plain`.
  void Expect(std::string_view members, const TinyRope& rope,
              std::string_view plain = R"("rope_theta": 10000)",
              std::string_view architecture = "LlamaForCausalLM") const {
    const auto expected = TinyLlama(tensors_).Hidden(tokens_, rope);
    EXPECT_LT(Distance(Braids(architecture, members), expected), kTolerance)
        << members;
    EXPECT_GT(Distance(Braids(architecture, plain), expected), 1e-3) << plain;
  }

  std::vector<convert::F32Tensor> tensors_ = TinyLlamaTensors();
  std::vector<int> tokens_;
};

std::string Yarn(std::string_view more) {
  return Format(R"("rope_scaling": {"rope_type": "yarn", "factor": 4.0,
                   "original_max_position_embeddings": 4096{}})",
                more);
}

TEST_F(RopeScalingIssue, Yarn) {
  Expect(Yarn(""), {.frequencies = YarnFrequencies(32, 1, true),
                    .magnitude = Temperature()});
}

TEST_F(RopeScalingIssue, YarnAttentionFactor) {
  Expect(Yarn(R"(, "attention_factor": 1.0)"),
         {.frequencies = YarnFrequencies(32, 1, true), .magnitude = 1},
         Yarn(""));
}

TEST_F(RopeScalingIssue, YarnMscale) {
  Expect(Yarn(R"(, "mscale": 1.0, "mscale_all_dim": 1.0)"),
         {.frequencies = YarnFrequencies(32, 1, true), .magnitude = 1},
         Yarn(""));
  Expect(Yarn(R"(, "mscale": 2.0, "mscale_all_dim": 0.5)"),
         {.frequencies = YarnFrequencies(32, 1, true),
          .magnitude = Temperature(2) / Temperature(0.5)},
         Yarn(""));
}

TEST_F(RopeScalingIssue, YarnTurns) {
  Expect(Yarn(R"(, "beta_fast": 4, "beta_slow": 0.25)"),
         {.frequencies = YarnFrequencies(4, 0.25, true),
          .magnitude = Temperature()},
         Yarn(""));
  Expect(Yarn(R"(, "truncate": false)"),
         {.frequencies = YarnFrequencies(32, 1, false),
          .magnitude = Temperature()},
         Yarn(""));
}

TEST_F(RopeScalingIssue, TheFactorFollowsFromTheContext) {
  Expect(R"("rope_parameters": {"rope_type": "yarn", "rope_theta": 10000,
             "original_max_position_embeddings": 4096})",
         {.frequencies = YarnFrequencies(32, 1, true),
          .magnitude = Temperature()});
}

TEST_F(RopeScalingIssue, Linear) {
  Expect(R"("rope_parameters": {"rope_type": "linear", "factor": 4.0})",
         {.frequencies = Scaled([](int) { return 1 / kFactor; })});
}

TEST_F(RopeScalingIssue, LongRopeFactor) {
  const std::string factors =
      R"("long_factor": [1, 1, 1, 1, 2, 2, 4, 4],
         "short_factor": [1, 1, 1, 1.5, 2, 2, 3, 3])";
  const double short_factor[] = {1, 1, 1, 1.5, 2, 2, 3, 3};
  const auto frequencies =
      Scaled([&short_factor](int pair) { return 1 / short_factor[pair]; });
  const auto members = [&factors](std::string_view more) {
    return Format(R"("rope_scaling": {"type": "longrope", {}{},
                     "original_max_position_embeddings": 4096})",
                  factors, more);
  };
  Expect(members(""),
         {.frequencies = frequencies,
          .magnitude = std::sqrt(1 + std::log(4.0) / std::log(4096.0))});
  Expect(members(R"(, "factor": 32.0)"),
         {.frequencies = frequencies,
          .magnitude = std::sqrt(1 + std::log(32.0) / std::log(4096.0))},
         members(""));
}

TEST_F(RopeScalingIssue, MistralsWindow) {
  Expect(R"("sliding_window": 8)",
         {.frequencies = Scaled([](int) { return 1.0; }), .window = 8},
         R"("sliding_window": null)", "MistralForCausalLM");
}

}  // namespace

}  // namespace braid::issues
