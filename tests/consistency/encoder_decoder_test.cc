// A decoder that looks at an encoder's text: the same bits whatever the company
// and the cut, after a fork, and beside texts that come and go.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "kernels/targets.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

constexpr int kTexts = 3;
constexpr int kEncoderLengths[] = {70, 1, 33};
constexpr int kLengths[] = {40, 7, 1};

using Row = std::vector<float>;

std::vector<TokenId> Tokens(int text, int length, uint64_t seed) {
  Random random(seed, static_cast<uint64_t>(text));
  std::vector<TokenId> tokens(static_cast<size_t>(length));
  for (TokenId& token : tokens) token = random.Below(60);
  return tokens;
}

std::vector<TokenId> EncoderTokens(int text) {
  return Tokens(text, kEncoderLengths[text], 5);
}

std::vector<TokenId> DecoderTokens(int text) {
  return Tokens(text, kLengths[text], 6);
}

std::string ErrorOf(const Status& status) {
  return status.ok() ? "no error" : status.error().message;
}

bool SameBits(std::span<const float> a, const Row& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), b.size() * sizeof(float)) == 0;
}

class EncoderDecoderTest : public testing::Test {
 protected:
  ~EncoderDecoderTest() override { UseVectorTarget(""); }

  std::unique_ptr<Engine> Make(const EngineOptions& options) {
    auto engine = Engine::Create(model_, options);
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    return std::move(*engine);
  }

  // One text, one thread, one token at a time.
  std::vector<Row> Alone(int text) {
    const auto engine = Make({.threads = 1});
    Batch batch;
    batch.AddEncoder(EncoderTokens(text), 0);
    EXPECT_EQ(ErrorOf(engine->Decode(batch)), "no error");
    EXPECT_EQ(engine->EncoderTokens(0), kEncoderLengths[text]);
    std::vector<Row> rows;
    const std::vector<TokenId> tokens = DecoderTokens(text);
    for (size_t i = 0; i < tokens.size(); ++i) {
      batch.Clear();
      batch.Add(tokens[i], static_cast<Position>(i), 0, Want::kLogits);
      EXPECT_EQ(ErrorOf(engine->Decode(batch)), "no error");
      const auto row = engine->Logits(0);
      rows.emplace_back(row.begin(), row.end());
    }
    return rows;
  }

  const std::shared_ptr<const LoadedModel> model_ =
      MakeTinyModel(TinyKind::kT5, DType::kF32);
};

TEST_F(EncoderDecoderTest, EveryWayOfRunningGivesTheSameBits) {
  const std::vector<std::string> targets = VectorTargets();
  UseVectorTarget(targets.front());
  std::vector<std::vector<Row>> expected;
  for (int text = 0; text < kTexts; ++text) expected.push_back(Alone(text));
  for (const std::string& target : targets) {
    UseVectorTarget(target);
    for (const SplitPolicy split :
         {SplitPolicy::kRagged, SplitPolicy::kEqual, SplitPolicy::kSimple})
      for (const int ubatch : {70, 75, 500})
        for (const int threads : {1, 3}) {
          const auto engine = Make({.max_ubatch = ubatch,
                                    .max_sequences = kTexts,
                                    .threads = threads,
                                    .split = split});
          Batch batch;
          for (int text = kTexts - 1; text >= 0; --text) {
            batch.AddEncoder(EncoderTokens(text), text);
            const std::vector<TokenId> tokens = DecoderTokens(text);
            for (size_t i = 0; i < tokens.size(); ++i) {
              batch.Add(tokens[i], static_cast<Position>(i), text,
                        Want::kLogits);
            }
          }
          ASSERT_EQ(ErrorOf(engine->Decode(batch)), "no error");
          for (int i = 0; i < batch.size(); ++i) {
            ASSERT_TRUE(
                SameBits(engine->Logits(i),
                         expected[batch[i].sequence][batch[i].position]))
                << "ubatch " << ubatch << ", entry " << i;
          }
        }
  }
}

TEST_F(EncoderDecoderTest, ForksShareATextUntilTheLastIsRemoved) {
  const std::vector<Row> expected = Alone(0);
  const auto engine = Make({.max_sequences = 3, .threads = 1});
  Batch batch;
  batch.AddEncoder(EncoderTokens(0), 0);
  ASSERT_EQ(ErrorOf(engine->Decode(batch)), "no error");
  const size_t used = engine->memory_use().sequences;
  ASSERT_TRUE(engine->Fork(0, 1).ok());
  EXPECT_EQ(engine->memory_use().sequences, used);
  ASSERT_TRUE(engine->Remove(0, 0, -1).ok());
  EXPECT_EQ(engine->EncoderTokens(0), 0);
  EXPECT_EQ(engine->EncoderTokens(1), kEncoderLengths[0]);

  // Another text takes what is free; the fork's must not be touched.
  batch.Clear();
  batch.AddEncoder(EncoderTokens(2), 0);
  const std::vector<TokenId> tokens = DecoderTokens(0);
  for (size_t i = 0; i < tokens.size(); ++i) {
    batch.Add(tokens[i], static_cast<Position>(i), 1, Want::kLogits);
  }
  ASSERT_EQ(ErrorOf(engine->Decode(batch)), "no error");
  for (int i = 0; i < batch.size(); ++i) {
    ASSERT_TRUE(SameBits(engine->Logits(i), expected[i])) << i;
  }
  ASSERT_TRUE(engine->Keep(2).ok());
  EXPECT_EQ(engine->memory_use().sequences, 0u);
}

TEST_F(EncoderDecoderTest, WhatCannotBeReadIsRefused) {
  const auto engine =
      Make({.context = 80, .max_ubatch = 72, .max_sequences = 2, .threads = 1});
  Batch batch;
  batch.Add(1, 0, 0, Want::kLogits);
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            "batch entry 0: sequence 0 has no encoder text: add one with "
            "AddEncoder");
  batch.AddEncoder(Tokens(0, 73, 1), 0);
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            "encoder text 0 has 73 tokens that must not be cut, a ubatch holds "
            "72: raise -ub");
  batch.Clear();
  batch.AddEncoder({}, 0);
  batch.Add(1, 0, 1, Want::kLogits);
  EXPECT_EQ(ErrorOf(engine->Decode(batch)), "encoder text 0 is empty");
  batch.Clear();
  const std::vector<TokenId> wild = {1, 1000};
  batch.AddEncoder(wild, 0);
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            "encoder text 0: token 1000, the vocabulary has 61 tokens");
  batch.Clear();
  batch.AddEncoder(EncoderTokens(0), 0);
  batch.AddEncoder(EncoderTokens(0), 0);
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            "encoder text 1: sequence 0 is not empty or has a text already: "
            "remove it first");
  batch.Clear();
  batch.AddEncoder(EncoderTokens(0), 0);
  batch.AddEncoder(EncoderTokens(2), 1);
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            "encoder texts of 103 tokens do not fit, 0 of 80 are used: raise "
            "-c or remove a sequence");
  EXPECT_EQ(engine->EncoderTokens(0), 0);

  const auto other = Engine::Create(
      MakeTinyModel(TinyKind::kLlama, DType::kF32), {.threads = 1});
  ASSERT_TRUE(other.ok());
  batch.Clear();
  batch.AddEncoder(EncoderTokens(1), 0);
  EXPECT_EQ(ErrorOf((*other)->Decode(batch)),
            "encoder text 0: the model has no encoder beside a decoder");
}

TEST_F(EncoderDecoderTest, ACancelTakesBackTextsThatWereNotRead) {
  const auto engine =
      Make({.max_ubatch = 72, .max_sequences = 2, .threads = 1});
  Batch batch;
  batch.AddEncoder(EncoderTokens(0), 0);
  batch.AddEncoder(EncoderTokens(2), 1);
  int asked = 0;
  EXPECT_EQ(ErrorOf(engine->Decode(batch, [&] { return ++asked > 1; })),
            "cancelled after 1 of 2 encoder texts");
  EXPECT_EQ(engine->EncoderTokens(0), kEncoderLengths[0]);
  EXPECT_EQ(engine->EncoderTokens(1), 0);
}

}  // namespace
}  // namespace braid
