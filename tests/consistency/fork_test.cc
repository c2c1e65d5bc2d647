// A forked sequence continues with the bits of one that was never forked,
// whichever of the two writes first.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

constexpr int kPrefix = 45;  // ends inside a page
constexpr int kTail = 30;

class ForkTest : public testing::TestWithParam<TinyKind> {
 protected:
  ForkTest() : model_(MakeTinyModel(GetParam(), DType::kF32)) {
    auto engine = Engine::Create(
        model_, {.max_ubatch = 16, .max_sequences = 3, .threads = 2});
    engine_ = std::move(*engine);
  }

  TokenId Token(int stream, Position position) const {
    return static_cast<TokenId>(
        RandomBits(3, static_cast<uint64_t>(stream),
                   static_cast<uint64_t>(position)) %
        static_cast<uint64_t>(model_->info().vocabulary_size));
  }

  // Appends positions [begin, end) of `stream` to `sequence` and returns the
  // logits of the last one.
  std::vector<float> Append(SequenceId sequence, int stream, Position begin,
                            Position end) {
    Batch batch;
    for (Position p = begin; p < end; ++p) {
      batch.Add(Token(stream, p), p, sequence, Want::kLogits);
    }
    const Status status = engine_->Decode(batch);
    EXPECT_TRUE(status.ok()) << status.error().message;
    const auto row = engine_->Logits(batch.size() - 1);
    return {row.begin(), row.end()};
  }

  // Stream 0 for the prefix, `stream` for the tail, in an empty sequence.
  std::vector<float> Fresh(SequenceId sequence, int stream) {
    Append(sequence, 0, 0, kPrefix);
    return Append(sequence, stream, kPrefix, kPrefix + kTail);
  }

  std::shared_ptr<const LoadedModel> model_;
  std::unique_ptr<Engine> engine_;
};

TEST_P(ForkTest, BothSidesContinueAsIfAlone) {
  const std::vector<float> first = Fresh(0, 1);
  ASSERT_TRUE(engine_->Remove(0, 0, -1).ok());
  const std::vector<float> second = Fresh(0, 2);
  ASSERT_TRUE(engine_->Remove(0, 0, -1).ok());
  ASSERT_NE(first, second);

  for (const SequenceId writes_first : {0, 1}) {
    Append(0, 0, 0, kPrefix);
    ASSERT_TRUE(engine_->Fork(0, 1).ok());
    EXPECT_EQ(engine_->NextPosition(1), kPrefix);
    const SequenceId other = 1 - writes_first;
    const auto a = Append(writes_first, 1, kPrefix, kPrefix + kTail);
    const auto b = Append(other, 2, kPrefix, kPrefix + kTail);
    EXPECT_EQ(a, first);
    EXPECT_EQ(b, second);
    ASSERT_TRUE(engine_->Remove(0, 0, -1).ok());
    ASSERT_TRUE(engine_->Remove(1, 0, -1).ok());
  }
}

TEST_P(ForkTest, ForksThatWriteInOneBatch) {
  const std::vector<float> first = Fresh(0, 1);
  ASSERT_TRUE(engine_->Remove(0, 0, -1).ok());
  const std::vector<float> second = Fresh(0, 2);
  ASSERT_TRUE(engine_->Remove(0, 0, -1).ok());

  Append(0, 0, 0, kPrefix);
  ASSERT_TRUE(engine_->Fork(0, 1).ok());
  ASSERT_TRUE(engine_->Fork(0, 2).ok());
  Batch batch;
  for (Position p = kPrefix; p < kPrefix + kTail; ++p) {
    batch.Add(Token(1, p), p, 0, Want::kLogits);
    batch.Add(Token(2, p), p, 1, Want::kLogits);
    batch.Add(Token(1, p), p, 2, Want::kLogits);
  }
  ASSERT_TRUE(engine_->Decode(batch).ok());
  const auto last = [&](int from_end) {
    const auto row = engine_->Logits(batch.size() - from_end);
    return std::vector<float>(row.begin(), row.end());
  };
  EXPECT_EQ(last(3), first);
  EXPECT_EQ(last(2), second);
  EXPECT_EQ(last(1), first);
}

TEST_P(ForkTest, RefusedBatchesChangeNothing) {
  const std::vector<float> expected = Fresh(0, 1);
  ASSERT_TRUE(engine_->Remove(0, 0, -1).ok());
  Append(0, 0, 0, kPrefix);

  const auto refused = [&](Batch::Entry entry) {
    Batch batch;
    batch.Add(Token(1, kPrefix), kPrefix, 0, Want::kLogits);
    batch.Add(entry.token, entry.position, entry.sequence, entry.want);
    const Status status = engine_->Decode(batch);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(engine_->NextPosition(0), kPrefix);
    EXPECT_EQ(engine_->NextPosition(1), 0);
  };
  refused({0, kPrefix + 2, 0, Want::kLogits});  // skips
  refused({0, kPrefix, 0, Want::kLogits});      // repeats
  refused({0, 0, 3, Want::kLogits});            // no such sequence
  refused({0, 0, -1, Want::kLogits});           // nor this
  refused({-1, 0, 1, Want::kLogits});           // no such token
  refused({model_->info().vocabulary_size, 0, 1, Want::kLogits});
  refused({0, 1, 1, Want::kNothing});  // does not start at 0

  EXPECT_EQ(Append(0, 1, kPrefix, kPrefix + kTail), expected);
}

INSTANTIATE_TEST_SUITE_P(Models, ForkTest,
                         testing::Values(TinyKind::kMamba, TinyKind::kLlama,
                                         TinyKind::kDeepseek2, TinyKind::kJamba,
                                         TinyKind::kHybrid),
                         [](const auto& param_info) {
                           return ToText(param_info.param);
                         });

}  // namespace
}  // namespace braid
