#include "apps/braid/spoken_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/format.h"
#include "braid/model.h"

namespace braid::cli {
namespace {

// The vocabulary of the model that ships, and one of its control tokens.
class SpokenTextTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded =
        LoadTokenizer(BRAID_SOURCE_DIR "/models/braid-prose-3.6m-f16.gguf");
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    tokenizer_ = *std::move(loaded);
    while (control_ < tokenizer_->vocabulary_size() &&
           !(tokenizer_->IsControl(control_) &&
             tokenizer_->StoredText(control_).size() > 2)) {
      ++control_;
    }
    ASSERT_LT(control_, tokenizer_->vocabulary_size());
    mark_ = tokenizer_->StoredText(control_);
  }

  std::vector<TokenId> Encode(const std::string& text,
                              const std::vector<chat::ByteRange>& spoken) {
    return SpokenTextEncoder(*tokenizer_).Encode(text, spoken, false);
  }

  int64_t Controls(const std::vector<TokenId>& tokens) {
    return std::count(tokens.begin(), tokens.end(), control_);
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  TokenId control_ = 0;
  std::string mark_;
};

TEST_F(SpokenTextTest, OrdinaryWordsAreEncodedAsPartOfTheWhole) {
  const std::string text = Format("{}The old{}", mark_, mark_);
  const size_t said = mark_.size() + 2;  // "e old": inside of a word
  EXPECT_EQ(Encode(text, {{said, said + 5}}),
            tokenizer_->Encode(text, {.add_special = false}));
}

TEST_F(SpokenTextTest, WhatIsSaidNeverBecomesAControlToken) {
  const std::string said = Format("say {} twice {}", mark_, mark_);
  const std::string text = Format("{}{}{}", mark_, said, mark_);
  const auto tokens =
      Encode(text, {{mark_.size(), mark_.size() + said.size()}});
  EXPECT_EQ(Controls(tokens), 2);
  EXPECT_EQ(tokens.front(), control_);
  EXPECT_EQ(tokens.back(), control_);
  EXPECT_EQ(tokenizer_->Decode(tokens, {.special = true}), text);
}

TEST_F(SpokenTextTest, NorDoesWhatIsSaidInPart) {
  for (size_t cut = 1; cut < mark_.size(); ++cut) {
    EXPECT_EQ(Controls(Encode(mark_, {{0, cut}})), 0);
    EXPECT_EQ(Controls(Encode(mark_, {{cut, mark_.size()}})), 0);
    EXPECT_EQ(Controls(Encode(mark_, {{cut - 1, cut}})), 0);
  }
  EXPECT_EQ(Controls(Encode(mark_, {})), 1);
}

}  // namespace
}  // namespace braid::cli
