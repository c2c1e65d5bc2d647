// Hidden rows and embeddings are the same bits however the texts were run, and
// what cannot be pooled is refused.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "kernels/targets.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

constexpr int kLengths[] = {70, 33, 5, 1, 17};
constexpr int kTexts = static_cast<int>(std::size(kLengths));
constexpr Pooling kPoolings[] = {Pooling::kMean, Pooling::kFirst,
                                 Pooling::kLast};

using Row = std::vector<float>;

TokenId TokenAt(int text, Position position) {
  return Random(9, static_cast<uint64_t>(text * 1000 + position)).Below(50);
}

std::unique_ptr<Engine> MakeEngine(std::shared_ptr<const LoadedModel> model,
                                   const EngineOptions& options) {
  auto engine = Engine::Create(std::move(model), options);
  EXPECT_TRUE(engine.ok()) << engine.error().message;
  return std::move(*engine);
}

Row Copy(std::span<const float> row) { return {row.begin(), row.end()}; }

bool SameBits(std::span<const float> a, const Row& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), b.size() * sizeof(float)) == 0;
}

std::string ErrorOf(const Status& status) {
  return status.ok() ? "no error" : status.error().message;
}

class EmbeddingTest : public testing::TestWithParam<TinyKind> {
 protected:
  EmbeddingTest() : model_(MakeTinyModel(GetParam(), DType::kF32)) {}
  ~EmbeddingTest() override { UseVectorTarget(""); }

  bool bidirectional() const { return model_->info().bidirectional; }
  // Of the reference: one text, one thread, cut into single rows if the model
  // allows that.
  EngineOptions Alone() const {
    if (bidirectional()) return {.threads = 1, .split = SplitPolicy::kWhole};
    return {.max_ubatch = 1, .threads = 1};
  }

  std::vector<Row> HiddenAlone(int text) {
    const auto engine = MakeEngine(model_, Alone());
    Batch batch;
    for (Position p = 0; p < kLengths[text]; ++p) {
      batch.Add(TokenAt(text, p), p, 0, Want::kHidden);
    }
    EXPECT_EQ(ErrorOf(engine->Decode(batch)), "no error");
    std::vector<Row> rows;
    for (int i = 0; i < batch.size(); ++i) {
      rows.push_back(Copy(engine->Hidden(i)));
      EXPECT_EQ(rows.back().size(), static_cast<size_t>(model_->info().width));
    }
    return rows;
  }

  // What the hidden rows are pooled to, written out.
  static Row Pool(Pooling pooling, const std::vector<Row>& hidden) {
    if (pooling == Pooling::kFirst) return hidden.front();
    if (pooling == Pooling::kLast) return hidden.back();
    Row mean;
    for (size_t i = 0; i < hidden[0].size(); ++i) {
      double sum = 0;
      for (const Row& row : hidden) sum += row[i];
      mean.push_back(
          static_cast<float>(sum / static_cast<double>(hidden.size())));
    }
    return mean;
  }

  // All texts in one batch, interleaved; texts with an odd number want hidden
  // rows, the others are pooled.
  static Batch Mixed(uint64_t shuffle) {
    std::vector<int> order;
    for (int text = 0; text < kTexts; ++text) {
      order.insert(order.end(), kLengths[text], text);
    }
    Random random(shuffle);
    for (size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[random.Below(static_cast<int>(i))]);
    }
    Batch batch;
    Position next[kTexts] = {};
    for (const int text : order) {
      batch.Add(TokenAt(text, next[text]), next[text], text,
                text % 2 == 1 ? Want::kHidden : Want::kPooled);
      ++next[text];
    }
    return batch;
  }

  // All texts in one batch against the rows that each had alone.
  void Check(const EngineOptions& options, uint64_t shuffle,
             const std::vector<std::vector<Row>>& hidden) {
    const auto engine = MakeEngine(model_, options);
    const Batch batch = Mixed(shuffle);
    ASSERT_EQ(ErrorOf(engine->Decode(batch)), "no error");
    for (int i = 0; i < batch.size(); ++i) {
      const Batch::Entry& entry = batch[i];
      if (entry.want == Want::kPooled) {
        ASSERT_TRUE(engine->Hidden(i).empty());
        continue;
      }
      ASSERT_TRUE(
          SameBits(engine->Hidden(i), hidden[entry.sequence][entry.position]));
    }
    for (int text = 0; text < kTexts; ++text) {
      const auto embedding = engine->Embedding(text);
      if (text % 2 == 1) {
        ASSERT_TRUE(embedding.empty());
        continue;
      }
      ASSERT_TRUE(SameBits(embedding, Pool(*options.pooling, hidden[text])))
          << "text " << text << ", ubatch " << options.max_ubatch;
    }
  }

  std::shared_ptr<const LoadedModel> model_;
};

// The reference runs on the first vector target only, so that the others must
// agree with it.
TEST_P(EmbeddingTest, AreTheSameHoweverTheTextsWereRun) {
  const std::vector<std::string> targets = VectorTargets();
  UseVectorTarget(targets.front());
  std::vector<std::vector<Row>> hidden;
  for (int text = 0; text < kTexts; ++text) {
    hidden.push_back(HiddenAlone(text));
  }
  int cases = 0;
  for (const std::string& target : targets) {
    UseVectorTarget(target);
    for (const Pooling pooling : kPoolings)
      for (const SplitPolicy split :
           {SplitPolicy::kRagged, SplitPolicy::kEqual, SplitPolicy::kSimple,
            SplitPolicy::kWhole})
        for (const int ubatch : {7, 70, 500})
          for (const int threads : {1, 3}) {
            const bool whole = split == SplitPolicy::kWhole;
            if (bidirectional() && !whole) continue;
            if (whole && ubatch < 70) continue;
            Check({.max_ubatch = ubatch,
                   .max_sequences = kTexts,
                   .threads = threads,
                   .split = split,
                   .pooling = pooling},
                  static_cast<uint64_t>(++cases), hidden);
            if (HasFatalFailure()) return;
          }
  }
  std::printf("embeddings: %s: %d cases, 0 differing bits\n",
              ToText(GetParam()).c_str(), cases);
}

TEST_P(EmbeddingTest, WhatCannotBePooledIsRefused) {
  const SplitPolicy split =
      bidirectional() ? SplitPolicy::kWhole : SplitPolicy::kRagged;
  const auto engine = MakeEngine(model_, {.max_sequences = 2,
                                          .threads = 1,
                                          .split = split,
                                          .pooling = Pooling::kMean});
  Batch batch;
  batch.Add(1, 0, 0, Want::kPooled);
  batch.Add(1, 1, 0, Want::kNothing);
  EXPECT_EQ(
      ErrorOf(engine->Decode(batch)),
      "batch entry 1: no pooling is wanted, and the 1 tokens before it of "
      "sequence 0 were pooled: a sequence is pooled from its first token "
      "on or not at all");
  batch[1].want = Want::kPooled;
  EXPECT_EQ(ErrorOf(engine->Decode(batch)), "no error");
  batch.Clear();
  batch.Add(1, 2, 0, Want::kPooled);
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            bidirectional()
                ? "batch entry 0: sequence 0 holds 2 tokens already, and the "
                  "model reads a text only as a whole: remove the sequence "
                  "first"
                : "no error");

  const auto plain =
      MakeEngine(model_, {.split = split, .pooling = Pooling::kNone});
  batch.Clear();
  batch.Add(1, 0, 0, Want::kPooled);
  EXPECT_EQ(ErrorOf(plain->Decode(batch)),
            "batch entry 0: pooling is wanted, the model's file names no kind: "
            "choose one (--pooling)");

  if (GetParam() == TinyKind::kBert) return;  // which has a classifier
  const auto ranked =
      Engine::Create(model_, {.split = split, .pooling = Pooling::kRank});
  ASSERT_FALSE(ranked.ok());
  EXPECT_NE(ranked.error().message.find("classifier"), std::string::npos);
}

TEST_P(EmbeddingTest, TextsThatAreReadBothWaysAreNotCut) {
  if (!bidirectional()) GTEST_SKIP() << "such texts may be cut";
  for (const SplitPolicy split :
       {SplitPolicy::kRagged, SplitPolicy::kEqual, SplitPolicy::kSimple}) {
    const auto cut = Engine::Create(model_, {.split = split});
    ASSERT_FALSE(cut.ok());
    EXPECT_NE(cut.error().message.find("whole"), std::string::npos);
  }
  const auto engine =
      MakeEngine(model_, {.max_ubatch = 8, .split = SplitPolicy::kWhole});
  Batch batch;
  for (Position p = 0; p < 9; ++p) batch.Add(p, p, 0, Want::kHidden);
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            "sequence 0 has 9 tokens that must not be cut, a ubatch holds 8: "
            "raise -ub");
  batch[8].want = Want::kLogits;
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            "batch entry 8: logits are wanted, the model has no output matrix: "
            "ask for the hidden row or for pooling");
}

// A text in two calls, of which the second was cancelled on the way and given
// again; its embedding is always that of what the sequence holds.
TEST_P(EmbeddingTest, ATextMayComeInPieces) {
  if (bidirectional()) GTEST_SKIP() << "such texts are not cut";
  for (const Pooling pooling : kPoolings) {
    const auto make = [&] {
      return MakeEngine(model_,
                        {.max_ubatch = 4, .threads = 1, .pooling = pooling});
    };
    const auto decode = [&](Engine& engine, Position begin, Position end,
                            int ubatches) {
      Batch batch;
      for (Position p = begin; p < end; ++p) batch.Add(p, p, 0, Want::kPooled);
      int asked = 0;
      return engine.Decode(batch, [&] { return ++asked > ubatches; });
    };
    const auto expected = [&](Position length) {
      const auto alone = make();
      EXPECT_TRUE(decode(*alone, 0, length, 100).ok());
      return Copy(alone->Embedding(0));
    };
    const auto engine = make();
    EXPECT_TRUE(engine->Embedding(0).empty());
    ASSERT_TRUE(decode(*engine, 0, 7, 100).ok());
    EXPECT_TRUE(SameBits(engine->Embedding(0), expected(7)));
    EXPECT_FALSE(decode(*engine, 7, 20, 2).ok());
    ASSERT_EQ(engine->NextPosition(0), 15);
    EXPECT_TRUE(SameBits(engine->Embedding(0), expected(15)));
    ASSERT_TRUE(decode(*engine, 15, 20, 100).ok());
    EXPECT_TRUE(SameBits(engine->Embedding(0), expected(20)));
    EXPECT_TRUE(engine->Embedding(1).empty());
    EXPECT_TRUE(engine->Embedding(-1).empty());
  }
}

// A classifier's answer to two texts together and alone.
TEST(RankTest, DependsOnTheTextAlone) {
  const auto model = MakeTinyModel(TinyKind::kBert, DType::kF32);
  const auto make = [&] {
    return MakeEngine(model, {.max_sequences = 2,
                              .threads = 1,
                              .split = SplitPolicy::kWhole,
                              .pooling = Pooling::kRank});
  };
  const auto add = [](Batch& batch, int text, SequenceId sequence) {
    for (Position p = 0; p < kLengths[text]; ++p) {
      batch.Add(TokenAt(text, p), p, sequence, Want::kPooled);
    }
  };
  Batch batch;
  add(batch, 0, 1);
  add(batch, 1, 0);
  const auto together = make();
  ASSERT_EQ(ErrorOf(together->Decode(batch)), "no error");
  for (const int text : {0, 1}) {
    batch.Clear();
    add(batch, text, 0);
    const auto alone = make();
    ASSERT_EQ(ErrorOf(alone->Decode(batch)), "no error");
    const Row answer = Copy(alone->Embedding(0));
    EXPECT_EQ(answer.size(), 3u);
    EXPECT_TRUE(SameBits(together->Embedding(1 - text), answer));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EmbeddingTest,
                         testing::Values(TinyKind::kMamba, TinyKind::kLlama,
                                         TinyKind::kHybrid, TinyKind::kBert,
                                         TinyKind::kNomicBert,
                                         TinyKind::kT5Encoder),
                         [](const auto& param_info) {
                           return ToText(param_info.param);
                         });

}  // namespace
}  // namespace braid
