// The model in models/ answers like its float32 reference in zoo/ (tokens,
// logits, greedy continuation), and predicts text that it never saw as well as
// its card says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "braid/engine.h"

namespace braid {
namespace {

constexpr char kModel[] = BRAID_SOURCE_DIR "/models/braid-prose-3.6m-f16.gguf";
constexpr char kGolden[] =
    BRAID_SOURCE_DIR "/tests/golden/data/shipped_model.json";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

class ShippedModel : public testing::Test {
 protected:
  void SetUp() override {
    auto model = Model::Load(kModel, {});
    ASSERT_TRUE(model.ok()) << model.error().message;
    model_ = *model;
    auto engine = Engine::Create(model_, {.max_batch = 512});
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    engine_ = std::move(*engine);
  }

  // Appends tokens to sequence 0, wanting the logits of each.
  void Decode(std::span<const TokenId> tokens) {
    Batch batch;
    for (const TokenId token : tokens) {
      batch.Add(token, engine_->NextPosition(0) + batch.size(), 0,
                Want::kLogits);
    }
    const Status status = engine_->Decode(batch);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  TokenId MostLikely(int entry) const {
    const auto logits = engine_->Logits(entry);
    return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) -
                                logits.begin());
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(ShippedModel, AnswersLikeItsReference) {
  const nlohmann::json golden = nlohmann::json::parse(ReadFile(kGolden));
  const auto ids = golden["ids"].get<std::vector<TokenId>>();
  EXPECT_EQ(model_->tokenizer().Encode(golden["text"].get<std::string>(), {}),
            ids);

  Decode(ids);
  const auto argmax = golden["argmax"].get<std::vector<TokenId>>();
  for (size_t i = 0; i < argmax.size(); ++i) {
    EXPECT_EQ(MostLikely(static_cast<int>(i)), argmax[i]) << "position " << i;
  }
  for (const auto& [position, row] : golden["logits"].items()) {
    const auto expected = row.get<std::vector<float>>();
    const auto logits = engine_->Logits(std::stoi(position));
    ASSERT_EQ(logits.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(logits[i], expected[i], 1e-4) << position << ", token " << i;
    }
  }

  TokenId next = MostLikely(static_cast<int>(ids.size()) - 1);
  for (const TokenId expected : golden["greedy"].get<std::vector<TokenId>>()) {
    EXPECT_EQ(next, expected);
    Decode({&next, 1});
    next = MostLikely(0);
  }
}

// Bits that the model needs per byte of `text`, read as one stream after BOS.
class HeldOut : public ShippedModel,
                public testing::WithParamInterface<const char*> {
 protected:
  double BitsPerByte(const std::string& text) {
    const Tokenizer& tokenizer = model_->tokenizer();
    std::vector<TokenId> tokens = tokenizer.Encode(text, {});
    if (!tokenizer.adds_bos()) tokens.insert(tokens.begin(), tokenizer.bos());
    double bits = 0;
    constexpr size_t kCall = 512;
    for (size_t begin = 0; begin + 1 < tokens.size(); begin += kCall) {
      const size_t count = std::min(kCall, tokens.size() - 1 - begin);
      Decode(std::span(tokens).subspan(begin, count));
      for (size_t i = 0; i < count; ++i) {
        bits +=
            Bits(engine_->Logits(static_cast<int>(i)), tokens[begin + i + 1]);
      }
    }
    return bits / static_cast<double>(text.size());
  }

 private:
  static double Bits(std::span<const float> logits, TokenId token) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - largest);
    return (std::log(sum) + largest - logits[token]) / std::log(2.0);
  }
};

TEST_P(HeldOut, NeedsAtMost2Point4BitsPerByte) {
  const std::filesystem::path path =
      std::filesystem::path(BRAID_DATA_DIR) / "corpora" / GetParam();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const std::string text = ReadFile(path);
  // Training and its tokenizer saw the first 95 % of the bytes only.
  const double bits = BitsPerByte(text.substr(text.size() * 95 / 100));
  std::printf("held out, last 5 %% of %s: %.3f bits per byte\n", GetParam(),
              bits);
  EXPECT_LE(bits, 2.4);
  EXPECT_GE(bits, 1.0) << "too good to be true";
}

INSTANTIATE_TEST_SUITE_P(EnglishFiles, HeldOut,
                         testing::Values("botchan-en.txt", "frankenstein.txt",
                                         "pride-and-prejudice.txt",
                                         "sherlock.txt", "tinyshakespeare.txt",
                                         "tinystories-sample-944k.txt",
                                         "war-and-peace.txt"),
                         [](const auto& param_info) {
                           std::string name = param_info.param;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace braid
