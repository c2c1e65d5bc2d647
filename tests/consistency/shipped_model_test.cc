// The model that ships with the project, doing what its users do: many texts
// embedded in one call, and tokens guessed ahead and taken back. Tiny models
// have awkward sizes; this one has been trained, so that guesses can be right.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"

namespace braid {
namespace {

using Row = std::vector<float>;

std::string ErrorOf(const Status& status) {
  return status.ok() ? "no error" : status.error().message;
}

Row Copy(std::span<const float> row) { return {row.begin(), row.end()}; }

TokenId MostLikely(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) -
                              logits.begin());
}

class ShippedModelTest : public testing::Test {
 protected:
  void SetUp() override {
    auto model =
        Model::Load(BRAID_SOURCE_DIR "/models/braid-prose-3.6m-f16.gguf",
                    {.threads = 2, .progress = {}});
    ASSERT_TRUE(model.ok()) << model.error().message;
    model_ = *model;
  }

  std::unique_ptr<Engine> Make(EngineOptions options) const {
    options.threads = 2;
    auto engine = Engine::Create(model_, options);
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    return std::move(*engine);
  }

  TokenId Token(uint64_t text, Position position) const {
    return Random(text, static_cast<uint64_t>(position))
        .Below(model_->info().vocabulary_size);
  }

  std::shared_ptr<const Model> model_;
};

// bench/pooling_bench does the same with 200 texts of up to 900 tokens.
TEST_F(ShippedModelTest, ManyTextsAreEmbeddedInOneCall) {
  constexpr int kTexts = 24;
  std::vector<int> lengths;
  for (int text = 0; text < kTexts; ++text) {
    lengths.push_back(1 + Random(17, static_cast<uint64_t>(text)).Below(200));
  }
  const auto add = [&](Batch& batch, int text, SequenceId sequence) {
    for (Position p = 0; p < lengths[static_cast<size_t>(text)]; ++p) {
      batch.Add(Token(static_cast<uint64_t>(text), p), p, sequence,
                Want::kPooled);
    }
  };
  for (const Pooling pooling :
       {Pooling::kMean, Pooling::kFirst, Pooling::kLast}) {
    const auto together =
        Make({.max_batch = std::accumulate(lengths.begin(), lengths.end(), 0),
              .max_ubatch = 64,
              .max_sequences = kTexts,
              .pooling = pooling});
    Batch all;
    for (int text = 0; text < kTexts; ++text) add(all, text, text);
    ASSERT_EQ(ErrorOf(together->Decode(all)), "no error");

    const auto alone = Make({.max_ubatch = 23, .pooling = pooling});
    for (int text = 0; text < kTexts; ++text) {
      Batch one;
      add(one, text, 0);
      ASSERT_EQ(ErrorOf(alone->Decode(one)), "no error");
      const Row expected = Copy(alone->Embedding(0));
      ASSERT_EQ(expected.size(), static_cast<size_t>(model_->info().width));
      EXPECT_EQ(Copy(together->Embedding(text)), expected) << "text " << text;
      ASSERT_TRUE(alone->Remove(0, 0, -1).ok());
    }
  }
}

// A speculative decoder whose guesses are the right tokens, a fifth of them
// replaced.
class GuessingTest : public ShippedModelTest {
 protected:
  static constexpr Position kPrompt = 10;
  static constexpr Position kLength = 150;
  static constexpr Position kGuesses = 8;

  struct Text {
    std::vector<TokenId> tokens;
    Row last;  // logits of the last token
    // Of the batch: the token that is certain, and the guesses behind it.
    std::vector<TokenId> ahead = {};
    int first_entry = 0;

    Position length() const { return static_cast<Position>(tokens.size()); }
  };

  // One token at a time, alone.
  Text Greedy(int text) const {
    const auto engine = Make({.max_ubatch = 1});
    Text greedy;
    for (Position p = 0; p < kLength; ++p) {
      greedy.tokens.push_back(p < kPrompt
                                  ? Token(static_cast<uint64_t>(text), p)
                                  : MostLikely(greedy.last));
      Batch batch;
      batch.Add(greedy.tokens.back(), p, 0, Want::kLogits);
      EXPECT_EQ(ErrorOf(engine->Decode(batch)), "no error");
      greedy.last = Copy(engine->Logits(0));
    }
    return greedy;
  }

  Text Prompt(Engine& engine, const Text& truth, SequenceId sequence) const {
    Batch batch;
    for (Position p = 0; p < kPrompt; ++p) {
      batch.Add(truth.tokens[static_cast<size_t>(p)], p, sequence,
                Want::kLogits);
    }
    EXPECT_EQ(ErrorOf(engine.Decode(batch)), "no error");
    return {{truth.tokens.begin(), truth.tokens.begin() + kPrompt},
            Copy(engine.Logits(kPrompt - 1))};
  }

  void Guess(const Text& truth, SequenceId sequence, Text& text, Batch& batch) {
    text.ahead.clear();
    text.first_entry = batch.size();
    const Position end = std::min(text.length() + 1 + kGuesses, kLength);
    for (Position p = text.length(); p < end; ++p) {
      TokenId token = truth.tokens[static_cast<size_t>(p)];
      if (text.ahead.empty()) {
        token = MostLikely(text.last);
      } else if (random_.Below(5) == 0) {
        token = token == 0 ? 1 : 0;
      }
      text.ahead.push_back(token);
      batch.Add(token, p, sequence, Want::kLogits);
    }
  }

  // Keeps the guesses up to the first that the model would not have made, and
  // takes the others back.
  void Judge(Engine& engine, SequenceId sequence, Text& text) {
    size_t kept = 0;
    for (; kept < text.ahead.size(); ++kept) {
      if (kept > 0 && MostLikely(text.last) != text.ahead[kept]) break;
      text.tokens.push_back(text.ahead[kept]);
      text.last =
          Copy(engine.Logits(text.first_entry + static_cast<int>(kept)));
    }
    kept_ += kept;
    taken_back_ += text.ahead.size() - kept;
    const auto removal = engine.Remove(sequence, text.length(), -1);
    ASSERT_TRUE(removal.ok()) << removal.error().message;
    EXPECT_EQ(removal->reevaluated, 0);
  }

  Random random_{23};
  size_t kept_ = 0;
  size_t taken_back_ = 0;
};

TEST_F(GuessingTest, WrongGuessesAreTakenBackWithoutATrace) {
  constexpr int kTexts = 3;
  const auto engine = Make({.max_sequences = kTexts, .rollback = kGuesses});
  std::vector<Text> expected;
  std::vector<Text> found;
  for (int text = 0; text < kTexts; ++text) {
    expected.push_back(Greedy(text));
    found.push_back(Prompt(*engine, expected.back(), text));
  }
  for (;;) {
    Batch batch;
    for (int text = 0; text < kTexts; ++text) {
      Guess(expected[text], text, found[text], batch);
    }
    if (batch.size() == 0) break;
    ASSERT_EQ(ErrorOf(engine->Decode(batch)), "no error");
    for (int text = 0; text < kTexts; ++text) {
      if (!found[text].ahead.empty()) Judge(*engine, text, found[text]);
    }
  }
  for (int text = 0; text < kTexts; ++text) {
    EXPECT_EQ(found[text].tokens, expected[text].tokens);
    EXPECT_EQ(found[text].last, expected[text].last);
  }
  EXPECT_GT(kept_, 100);
  EXPECT_GT(taken_back_, 50);
}

}  // namespace
}  // namespace braid
