// The scores of given tokens: those of the logits, and the same bits however
// the texts were run.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "sampling/log_probability.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

constexpr int kLengths[] = {41, 3, 18};
constexpr int kTexts = static_cast<int>(std::size(kLengths));

TokenId TokenAt(int text, Position position) {
  return Random(5, static_cast<uint64_t>(text * 1000 + position)).Below(50);
}

std::unique_ptr<Engine> MakeEngine(TinyKind kind,
                                   const EngineOptions& options) {
  auto engine = Engine::Create(MakeTinyModel(kind, DType::kF32), options);
  EXPECT_TRUE(engine.ok()) << engine.error().message;
  return std::move(*engine);
}

class ScoreTest : public testing::TestWithParam<TinyKind> {
 protected:
  // Of every token but the first, by the logits of the row before it; alone,
  // one token at a time.
  static std::vector<double> Reference(int text) {
    const auto engine = MakeEngine(GetParam(), {.max_ubatch = 1, .threads = 1});
    std::vector<double> scores;
    for (Position p = 0; p + 1 < kLengths[text]; ++p) {
      Batch batch;
      batch.Add(TokenAt(text, p), p, 0, Want::kLogits);
      EXPECT_TRUE(engine->Decode(batch).ok());
      scores.push_back(LogProbability(engine->Logits(0), TokenAt(text, p + 1)));
    }
    return scores;
  }
};

TEST_P(ScoreTest, AreThoseOfTheLogitsHoweverTheTextsWereRun) {
  std::vector<double> expected[kTexts];
  for (int text = 0; text < kTexts; ++text) expected[text] = Reference(text);
  for (const SplitPolicy split :
       {SplitPolicy::kRagged, SplitPolicy::kEqual, SplitPolicy::kSimple}) {
    for (const int rows : {7, 512}) {
      const auto engine = MakeEngine(GetParam(), {.max_ubatch = rows,
                                                  .max_sequences = kTexts,
                                                  .threads = 2,
                                                  .split = split});
      Batch batch;
      for (int text = kTexts - 1; text >= 0; --text) {
        for (Position p = 0; p + 1 < kLengths[text]; ++p) {
          batch.AddScored(TokenAt(text, p), p, text, TokenAt(text, p + 1));
        }
      }
      ASSERT_TRUE(engine->Decode(batch).ok());
      for (int i = 0; i < batch.size(); ++i) {
        const Batch::Entry& entry = batch[i];
        ASSERT_EQ(engine->LogProbability(i),
                  expected[entry.sequence][entry.position])
            << "text " << entry.sequence << ", position " << entry.position;
        ASSERT_TRUE(engine->Logits(i).empty());
      }
    }
  }
}

TEST_P(ScoreTest, OnlyWhatAskedHasOne) {
  const auto engine = MakeEngine(GetParam(), {});
  Batch batch;
  batch.Add(1, 0, 0, Want::kNothing);
  batch.AddScored(2, 1, 0, 3);
  batch.Add(3, 2, 0, Want::kLogits);
  ASSERT_TRUE(engine->Decode(batch).ok());
  EXPECT_TRUE(std::isnan(engine->LogProbability(0)));
  EXPECT_LT(engine->LogProbability(1), 0);
  EXPECT_TRUE(std::isnan(engine->LogProbability(2)));
  EXPECT_TRUE(std::isnan(engine->LogProbability(3)));
  EXPECT_TRUE(std::isnan(engine->LogProbability(-1)));
}

INSTANTIATE_TEST_SUITE_P(Models, ScoreTest,
                         testing::Values(TinyKind::kMamba, TinyKind::kLlama,
                                         TinyKind::kHybrid),
                         [](const auto& test) { return ToText(test.param); });

}  // namespace
}  // namespace braid
