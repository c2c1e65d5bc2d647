// Going back: what is said after a rollback has the bits of a sequence that
// never went there, and Remove tells what it took.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

using Row = std::vector<float>;

class RollbackTest : public testing::TestWithParam<TinyKind> {
 protected:
  RollbackTest() : model_(MakeTinyModel(GetParam(), DType::kF32)) {}

  std::unique_ptr<Engine> Make(EngineOptions options) const {
    options.context = 1000;
    options.max_sequences = 3;
    options.threads = 2;
    auto engine = Engine::Create(model_, options);
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    return std::move(*engine);
  }

  TokenId Token(int stream, Position position) const {
    return static_cast<TokenId>(
        RandomBits(11, static_cast<uint64_t>(stream),
                   static_cast<uint64_t>(position)) %
        static_cast<uint64_t>(model_->info().vocabulary_size));
  }

  // Appends positions [begin, end) of `stream`; the logits of the last one.
  Row Append(Engine& engine, SequenceId sequence, int stream, Position begin,
             Position end) const {
    Batch batch;
    for (Position p = begin; p < end; ++p) {
      batch.Add(Token(stream, p), p, sequence, Want::kLogits);
    }
    const Status status = engine.Decode(batch);
    EXPECT_TRUE(status.ok()) << status.error().message;
    const auto row = engine.Logits(batch.size() - 1);
    return {row.begin(), row.end()};
  }

  // Stream 0 up to `fork`, stream 1 from there up to `end`, alone.
  Row Expected(Position fork, Position end) const {
    const auto engine = Make({.max_ubatch = 1});
    Row row;
    for (Position p = 0; p < fork; ++p) row = Append(*engine, 0, 0, p, p + 1);
    for (Position p = fork; p < end; ++p) {
      row = Append(*engine, 0, 1, p, p + 1);
    }
    return row;
  }

  bool recurrent() const { return model_->info().recurrent; }

  std::shared_ptr<const LoadedModel> model_;
};

TEST_P(RollbackTest, TheLastPositionsComeBackWithoutTheModel) {
  constexpr int kBack = 8;
  for (const Position length : {3, 8, 9, 31, 40, 63, 64, 65}) {
    for (const int ubatch : {1, 5, 64}) {
      const auto engine = Make({.max_ubatch = ubatch, .rollback = kBack});
      for (int back = 1; back <= std::min<int>(kBack, length - 1); ++back) {
        SCOPED_TRACE(testing::Message() << "length " << length << ", ubatch "
                                        << ubatch << ", back " << back);
        const Position target = length - back;
        Append(*engine, 0, 0, 0, length);
        const auto removal = engine->Remove(0, target, -1);
        ASSERT_TRUE(removal.ok()) << removal.error().message;
        EXPECT_EQ(removal->reevaluated, 0);
        EXPECT_LT(removal->replayed, 2 * kBack);
        EXPECT_EQ(engine->NextPosition(0), target);
        EXPECT_TRUE(engine->LastLogits(0).empty());
        EXPECT_EQ(Append(*engine, 0, 1, target, target + 9),
                  Expected(target, target + 9));
        ASSERT_TRUE(engine->Remove(0, 0, -1).ok());
      }
      EXPECT_EQ(engine->memory_use().sequences, 0);
    }
  }
}

// In several steps, and further again after each: whatever is left of the last
// k positions below the furthest can be gone back to, and a refusal says how
// far that is.
TEST_P(RollbackTest, WhatIsLeftCanBeGoneBackTo) {
  constexpr int kBack = 8;
  Random random(5, static_cast<uint64_t>(GetParam()));
  const auto engine = Make({.max_ubatch = 5, .rollback = kBack});
  Position length = 0;
  Position furthest = 0;
  int refused = 0;
  for (int step = 0; step < 300; ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step << ", length " << length
                                    << " of " << furthest);
    if (length == 0 || random.Below(5) < 2) {
      const Position more = 1 + random.Below(12);
      const Row row = Append(*engine, 0, 0, length, length + more);
      length += more;
      furthest = std::max(furthest, length);
      if (step % 10 == 0) {
        EXPECT_EQ(row, Expected(length, length));
      }
      continue;
    }
    const Position back = 1 + random.Below(kBack);
    const Position target = std::max(1, length - back);
    if (target == length) continue;
    auto removal = engine->Remove(0, target, -1);
    if (target >= furthest - kBack) {
      ASSERT_TRUE(removal.ok()) << removal.error().message;
    }
    length = engine->NextPosition(0);
    if (removal.ok()) {
      EXPECT_EQ(length, target);
      EXPECT_EQ(removal->reevaluated, 0);
      continue;
    }
    ++refused;
    const std::string& message = removal.error().message;
    const std::string marks[] = {"which holds " + std::to_string(length) + ": ",
                                 " is the earliest position"};
    const size_t begin = message.find(marks[0]);
    const size_t end = message.find(marks[1]);
    if (end == std::string::npos) {
      EXPECT_NE(message.find("it can only be removed whole"),
                std::string::npos);
      ASSERT_FALSE(engine->Remove(0, length - 1, -1).ok());
      continue;
    }
    ASSERT_NE(begin, std::string::npos) << message;
    const Position earliest =
        std::stoi(message.substr(begin + marks[0].size()));
    EXPECT_LE(earliest, std::max(1, furthest - kBack)) << message;
    ASSERT_GT(earliest, target) << message;
    if (earliest > 1) {
      ASSERT_FALSE(engine->Remove(0, earliest - 1, -1).ok());
    }
    removal = engine->Remove(0, earliest, -1);
    ASSERT_TRUE(removal.ok()) << removal.error().message;
    length = earliest;
  }
  EXPECT_EQ(refused > 0, recurrent());
}

// Token by token, the last three rejected again and again.
TEST_P(RollbackTest, RejectedTokensLeaveNoTrace) {
  const auto engine = Make({.rollback = 3});
  Row row;
  for (Position p = 0; p < 50; ++p) {
    Append(*engine, 0, 2, p, p + 3);
    const auto removal = engine->Remove(0, p, -1);
    ASSERT_TRUE(removal.ok()) << removal.error().message << " at " << p;
    EXPECT_EQ(removal->reevaluated, 0);
    row = Append(*engine, 0, 0, p, p + 1);
  }
  EXPECT_EQ(row, [&] {
    const auto alone = Make({.max_ubatch = 1});
    Row last;
    for (Position p = 0; p < 50; ++p) last = Append(*alone, 0, 0, p, p + 1);
    return last;
  }());
}

TEST_P(RollbackTest, CheckpointsAreWaysBack) {
  const auto engine = Make({.max_ubatch = 16, .checkpoint_every = 20});
  Append(*engine, 0, 0, 0, 70);
  ASSERT_TRUE(engine->Fork(0, 1).ok());
  const auto removal = engine->Remove(0, 47, -1);
  ASSERT_TRUE(removal.ok()) << removal.error().message;
  EXPECT_EQ(removal->reevaluated, recurrent() ? 7 : 0);
  EXPECT_EQ(Append(*engine, 0, 1, 47, 60), Expected(47, 60));
  // The fork has the same checkpoints, and was not touched.
  const auto exact = engine->Remove(1, 40, -1);
  ASSERT_TRUE(exact.ok()) << exact.error().message;
  EXPECT_EQ(exact->reevaluated, 0);
  EXPECT_EQ(exact->replayed, 0);
  EXPECT_EQ(Append(*engine, 1, 1, 40, 60), Expected(40, 60));
}

TEST_P(RollbackTest, ACheckpointOnRequest) {
  const auto engine = Make({.max_ubatch = 16});
  Append(*engine, 0, 0, 0, 33);
  ASSERT_TRUE(engine->Checkpoint(0).ok());
  Append(*engine, 0, 0, 33, 70);
  const auto removal = engine->Remove(0, 35, -1);
  ASSERT_TRUE(removal.ok()) << removal.error().message;
  EXPECT_EQ(removal->reevaluated, recurrent() ? 2 : 0);
  EXPECT_EQ(Append(*engine, 0, 1, 35, 45), Expected(35, 45));
}

TEST_P(RollbackTest, NoWayBackIsSaidAndChangesNothing) {
  const auto engine = Make({.max_ubatch = 16});
  Append(*engine, 0, 0, 0, 30);
  const auto removal = engine->Remove(0, 29, -1);
  EXPECT_EQ(removal.ok(), !recurrent());
  if (removal.ok()) {
    EXPECT_EQ(Append(*engine, 0, 0, 29, 30), Append(*engine, 1, 0, 0, 30));
    return;
  }
  EXPECT_NE(removal.error().message.find("--rollback"), std::string::npos);
  EXPECT_EQ(engine->NextPosition(0), 30);
  EXPECT_EQ(Append(*engine, 0, 1, 30, 40), Expected(30, 40));
}

INSTANTIATE_TEST_SUITE_P(
    Models, RollbackTest,
    testing::Values(TinyKind::kMamba, TinyKind::kMamba2, TinyKind::kJamba,
                    TinyKind::kRwkv6, TinyKind::kRwkv7, TinyKind::kLfm2,
                    TinyKind::kFalconH1, TinyKind::kGraniteHybrid,
                    TinyKind::kNemotronH, TinyKind::kLlama,
                    TinyKind::kDeepseek2, TinyKind::kHybrid),
    [](const auto& param_info) { return ToText(param_info.param); });

}  // namespace
}  // namespace braid
