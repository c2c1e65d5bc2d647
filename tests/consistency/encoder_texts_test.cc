// Many sequences of an encoder-decoder, through everything that can happen to
// them: texts of different lengths that are encoded in one go, some for several
// sequences at once, decoded at each sequence's own pace, forked, removed,
// saved and restored. Every row has the bits of its text and tokens alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

using Row = std::vector<float>;

constexpr int kSequences = 10;
constexpr int kTextLengths[] = {1, 70, 33, 2, 64, 31, 96};
constexpr int kTexts = static_cast<int>(std::size(kTextLengths));
constexpr Position kMostLength = 24;

std::string ErrorOf(const Status& status) {
  return status.ok() ? "no error" : status.error().message;
}

std::vector<TokenId> TextTokens(int text) {
  Random random(31, static_cast<uint64_t>(text));
  std::vector<TokenId> tokens(static_cast<size_t>(kTextLengths[text]));
  for (TokenId& token : tokens) token = random.Below(60);
  return tokens;
}

// The model of a sequence: its text and its tokens.
struct Content {
  int text = -1;
  std::vector<TokenId> tokens;

  bool operator<(const Content& other) const {
    return std::pair(text, tokens) < std::pair(other.text, other.tokens);
  }
};

class EncoderTextsTest : public testing::Test {
 protected:
  std::unique_ptr<Engine> Make(EngineOptions options) const {
    options.context = 1000;
    auto engine = Engine::Create(model_, options);
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    return std::move(*engine);
  }

  // The logits behind the content: one text, one thread, one token at a time.
  const Row& Alone(const Content& content) {
    const auto found = alone_.find(content);
    if (found != alone_.end()) return found->second;
    const auto engine = Make({.max_ubatch = 96, .threads = 1});
    Batch batch;
    batch.AddEncoder(TextTokens(content.text), 0);
    EXPECT_EQ(ErrorOf(engine->Decode(batch)), "no error");
    Content part{.text = content.text, .tokens = {}};
    for (const TokenId token : content.tokens) {
      batch.Clear();
      batch.Add(token, engine->NextPosition(0), 0, Want::kLogits);
      EXPECT_EQ(ErrorOf(engine->Decode(batch)), "no error");
      part.tokens.push_back(token);
      const auto row = engine->Logits(0);
      alone_[part] = Row(row.begin(), row.end());
    }
    return alone_.at(content);
  }

  // Texts for all sequences that have none, one for two of them now and then,
  // and tokens for some of the others.
  void Decode(Engine& engine, Random& random) {
    Batch batch;
    std::vector<SequenceId> without;
    for (SequenceId s = 0; s < kSequences; ++s) {
      if (contents_[s].text < 0) without.push_back(s);
    }
    while (!without.empty()) {
      const size_t count =
          std::min(without.size(), static_cast<size_t>(1 + random.Below(3)));
      const std::vector<SequenceId> set(without.end() - count, without.end());
      without.resize(without.size() - count);
      const int text = random.Below(kTexts);
      batch.AddEncoder(TextTokens(text), set);
      for (const SequenceId s : set) contents_[s].text = text;
    }
    std::vector<Content> behind;  // [entries]
    for (SequenceId s = 0; s < kSequences; ++s) {
      Content& content = contents_[s];
      for (int i = random.Below(5); i > 0; --i) {
        const auto position = static_cast<Position>(content.tokens.size());
        if (position == kMostLength) break;
        content.tokens.push_back(random.Below(60));
        batch.Add(content.tokens.back(), position, s, Want::kLogits);
        behind.push_back(content);
      }
    }
    if (batch.size() == 0 && batch.encoder_texts().empty()) return;
    ASSERT_EQ(ErrorOf(engine.Decode(batch)), "no error");
    for (size_t i = 0; i < behind.size(); ++i) {
      const auto row = engine.Logits(static_cast<int>(i));
      ASSERT_EQ(Row(row.begin(), row.end()), Alone(behind[i]))
          << "sequence " << batch[static_cast<int>(i)].sequence << ", text "
          << behind[i].text << ", token " << behind[i].tokens.size();
    }
  }

  void ForkOne(Engine& engine, Random& random) {
    const SequenceId from = random.Below(kSequences);
    const SequenceId to = random.Below(kSequences);
    if (from == to) return;
    Remove(engine, to);
    ASSERT_EQ(ErrorOf(engine.Fork(from, to)), "no error");
    contents_[to] = contents_[from];
  }

  void Remove(Engine& engine, SequenceId sequence) {
    ASSERT_TRUE(engine.Remove(sequence, 0, -1).ok());
    contents_[sequence] = {};
  }

  // Decoded tokens are forgotten, the text stays.
  void GoBack(Engine& engine, Random& random) {
    const SequenceId s = random.Below(kSequences);
    std::vector<TokenId>& tokens = contents_[s].tokens;
    if (tokens.size() < 2) return;
    const int left = 1 + random.Below(static_cast<int>(tokens.size()) - 1);
    ASSERT_TRUE(engine.Remove(s, left, -1).ok());
    tokens.resize(static_cast<size_t>(left));
  }

  const std::shared_ptr<const LoadedModel> model_ =
      MakeTinyModel(TinyKind::kT5, DType::kF32);
  std::vector<Content> contents_ = std::vector<Content>(kSequences);
  std::map<Content, Row> alone_;
};

TEST_F(EncoderTextsTest, EverySequenceGoesItsOwnWay) {
  constexpr EngineOptions kForms[] = {
      {.max_ubatch = 96, .max_sequences = kSequences, .threads = 2},
      {.max_ubatch = 500,
       .max_sequences = kSequences + 3,
       .threads = 1,
       .split = SplitPolicy::kEqual,
       .page_positions = 64},
      {.max_ubatch = 97,
       .max_sequences = kSequences,
       .threads = 3,
       .split = SplitPolicy::kSimple}};
  for (uint64_t seed = 0; seed < 3; ++seed) {
    Random random(seed);
    contents_.assign(kSequences, {});
    auto engine = Make(kForms[seed]);
    for (int step = 0; step < 40; ++step) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", step " << step);
      const int kind = random.Below(10);
      if (kind < 5) {
        Decode(*engine, random);
      } else if (kind == 5) {
        Remove(*engine, random.Below(kSequences));
      } else if (kind == 6) {
        GoBack(*engine, random);
      } else if (kind == 7) {
        const auto archive = engine->SaveToMemory();
        ASSERT_TRUE(archive.ok()) << archive.error().message;
        engine = Make(kForms[random.Below(3)]);
        const auto restored = engine->RestoreFromMemory(*archive);
        ASSERT_TRUE(restored.ok()) << restored.error().message;
      } else {
        ForkOne(*engine, random);
      }
      if (HasFatalFailure()) return;
      for (SequenceId s = 0; s < kSequences; ++s) {
        const int text = contents_[s].text;
        ASSERT_EQ(engine->EncoderTokens(s), text < 0 ? 0 : kTextLengths[text]);
        ASSERT_EQ(engine->NextPosition(s),
                  static_cast<Position>(contents_[s].tokens.size()));
      }
    }
    for (SequenceId s = 0; s < kSequences; ++s) Remove(*engine, s);
    EXPECT_EQ(engine->memory_use().sequences, 0u);
  }
}

}  // namespace
}  // namespace braid
