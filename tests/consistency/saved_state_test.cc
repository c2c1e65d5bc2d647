// Saving and restoring: what is restored, wherever, continues with the bits of
// what was never saved.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

using Row = std::vector<float>;
using Bytes = std::vector<std::byte>;

class ArchiveTest : public testing::TestWithParam<TinyKind> {
 protected:
  ArchiveTest() : model_(MakeTinyModel(GetParam(), DType::kF32)) {}

  std::unique_ptr<Engine> Make(EngineOptions options) const {
    if (options.context == 0) options.context = 700;
    if (options.max_sequences == 1) options.max_sequences = 6;
    if (options.threads == 0) options.threads = 1;
    // Encoder texts are not cut.
    if (model_->info().encoder) {
      options.max_ubatch = std::max(options.max_ubatch, 50);
    }
    auto engine = Engine::Create(model_, options);
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    return std::move(*engine);
  }

  TokenId Token(int stream, Position position) const {
    return static_cast<TokenId>(
        RandomBits(17, static_cast<uint64_t>(stream),
                   static_cast<uint64_t>(position)) %
        static_cast<uint64_t>(model_->info().vocabulary_size));
  }

  // Appends positions [from the sequence's end, end) of `stream`; the logits of
  // the last one.
  Row Append(Engine& engine, SequenceId sequence, int stream,
             Position end) const {
    Batch batch;
    const Position begin = engine.NextPosition(sequence);
    if (model_->info().encoder && begin == 0) AddText(engine, sequence, batch);
    for (Position p = begin; p < end; ++p) {
      batch.Add(Token(stream, p), p, sequence, Want::kLogits);
    }
    const Status status = engine.Decode(batch);
    EXPECT_TRUE(status.ok()) << status.error().message;
    const auto row = engine.Logits(batch.size() - 1);
    return {row.begin(), row.end()};
  }

  void AddText(const Engine& engine, SequenceId sequence, Batch& batch) const {
    if (engine.EncoderTokens(sequence) > 0) return;
    std::vector<TokenId> text;
    for (Position p = 0; p < 37 + sequence; ++p) text.push_back(Token(9, p));
    batch.AddEncoder(text, sequence);
  }

  // Two forks of 70 tokens with tails, a third that only follows, and one of
  // its own.
  void Populate(Engine& engine) const {
    Append(engine, 0, 0, 70);
    ASSERT_TRUE(engine.Fork(0, 1).ok());
    ASSERT_TRUE(engine.Fork(0, 4).ok());
    Append(engine, 0, 1, 101);
    Append(engine, 1, 2, 90);
    Append(engine, 3, 3, 45);
  }

  // What sequences say of themselves, and next.
  std::vector<Row> Continue(Engine& engine,
                            std::vector<SequenceId> sequences) const {
    std::vector<Row> rows;
    for (const SequenceId sequence : sequences) {
      const auto last = engine.LastLogits(sequence);
      rows.emplace_back(last.begin(), last.end());
      const Position end = engine.NextPosition(sequence);
      rows.push_back(Append(engine, sequence, 5, end + 3));
      rows.push_back(Append(engine, sequence, 6, end + 40));
    }
    return rows;
  }

  std::shared_ptr<const LoadedModel> model_;
};

Bytes Save(const Engine& engine, std::vector<SequenceId> sequences = {}) {
  auto saved = engine.SaveToMemory(sequences);
  EXPECT_TRUE(saved.ok()) << saved.error().message;
  return std::move(*saved);
}

TEST_P(ArchiveTest, GoesOnAnywhere) {
  const auto engine = Make({.rollback = 5, .checkpoint_every = 32});
  Populate(*engine);
  const Bytes saved = Save(*engine);
  EXPECT_TRUE(Save(*engine) == saved) << "saving changes nothing";
  const std::vector<Row> expected = Continue(*engine, {0, 1, 3, 4});
  const EngineOptions others[] = {
      {.rollback = 5, .checkpoint_every = 32},
      {.context = 2000, .max_batch = 50, .max_ubatch = 7, .threads = 2},
      {.max_ubatch = 1, .max_sequences = 5, .page_positions = 64},
      {.context = 900, .rollback = 3, .page_positions = 128},
      {.split = SplitPolicy::kEqual, .rollback = 40, .checkpoint_every = 10},
      {.rollback = 8, .checkpoint_bytes = 0, .page_positions = 96}};
  for (const EngineOptions& options : others) {
    SCOPED_TRACE(testing::Message() << "page " << options.page_positions
                                    << ", rollback " << options.rollback);
    const auto other = Make(options);
    const auto restored = other->RestoreFromMemory(saved);
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    EXPECT_EQ(restored->sequences, (std::vector<SequenceId>{0, 1, 3, 4}));
    EXPECT_EQ(restored->bytes, static_cast<int64_t>(saved.size()));
    EXPECT_EQ(other->SharedPositions(0, 1), 70);
    EXPECT_EQ(other->SharedPositions(4, 1), 70);
    EXPECT_EQ(other->SharedPositions(3, 1), 0);
    EXPECT_EQ(other->NextPosition(2), 0);
    // What was restored can be saved and restored again.
    const auto third = Make({.context = 800});
    ASSERT_TRUE(third->RestoreFromMemory(Save(*other)).ok());
    EXPECT_EQ(Continue(*third, {0, 1, 3, 4}), expected);
    EXPECT_EQ(Continue(*other, {0, 1, 3, 4}), expected);
    ASSERT_TRUE(other->Keep(0).ok());
    ASSERT_TRUE(other->Remove(0, 0, -1).ok());
    EXPECT_EQ(other->memory_use().sequences, 0u);
  }
}

TEST_P(ArchiveTest, TheSameEngineHasTheSameArchive) {
  const EngineOptions options = {.rollback = 5, .checkpoint_every = 32};
  const auto engine = Make(options);
  Populate(*engine);
  const Bytes saved = Save(*engine);
  const auto other = Make(options);
  ASSERT_TRUE(other->RestoreFromMemory(saved).ok());
  EXPECT_EQ(other->memory_use().sequences, engine->memory_use().sequences);
  const Bytes again = Save(*other);
  EXPECT_EQ(again.size(), saved.size());
  // Restoring replaces what is there, with nothing left behind.
  ASSERT_TRUE(other->RestoreFromMemory(saved).ok());
  EXPECT_TRUE(Save(*other) == again);
  EXPECT_EQ(other->memory_use().sequences, engine->memory_use().sequences);
}

TEST_P(ArchiveTest, SomeSequencesUnderOtherIdsAndTheRestStays) {
  const auto engine = Make({});
  Populate(*engine);
  const Bytes saved = Save(*engine, {1, 3, 4});
  EXPECT_LT(saved.size(), Save(*engine).size());
  const std::vector<Row> expected = Continue(*engine, {1, 3, 4});

  const auto other = Make({.page_positions = 64});
  Append(*other, 0, 7, 33);
  Append(*other, 5, 8, 50);
  const auto twin = Make({.page_positions = 64});
  ASSERT_TRUE(twin->RestoreFromMemory(Save(*other)).ok());
  const auto restored = other->RestoreFromMemory(
      saved, {.ids = {{4, 5}, {1, 2}, {3, 1}, {1, 4}}});
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(restored->sequences, (std::vector<SequenceId>{1, 2, 4, 5}));
  EXPECT_EQ(other->SharedPositions(2, 4), 90) << "one became two forks";
  EXPECT_EQ(other->SharedPositions(2, 5), 70);
  EXPECT_EQ(other->SharedPositions(4, 5), 70);
  EXPECT_EQ(other->SharedPositions(0, 5), 0);
  EXPECT_EQ(Continue(*other, {2, 1, 5}), expected);
  EXPECT_EQ(other->SharedPositions(2, 4), 90);
  const std::vector<Row> first(expected.begin(), expected.begin() + 3);
  EXPECT_EQ(Continue(*other, {4}), first);
  EXPECT_EQ(Continue(*other, {0}), Continue(*twin, {0}));
}

TEST_P(ArchiveTest, TheOnlySequenceWhateverItsId) {
  const auto engine = Make({});
  Append(*engine, 3, 0, 45);
  const Bytes one = Save(*engine);
  const auto other = Make({});
  Append(*other, 0, 7, 10);
  Append(*other, 1, 8, 10);
  const auto restored = other->RestoreFromMemory(one, {.only_sequence_to = 1});
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(other->NextPosition(0), 10);
  EXPECT_EQ(Continue(*other, {1}), Continue(*engine, {3}));
  const auto two =
      engine->RestoreFromMemory(Save(*other), {.only_sequence_to = 0});
  EXPECT_EQ(two.error().message,
            "the saved state has 2 sequences, expected one");
}

TEST_P(ArchiveTest, SharesPagesAndCells) {
  const auto engine = Make({});
  Append(*engine, 0, 0, 100);
  const size_t one = engine->memory_use().sequences;
  const size_t one_saved = Save(*engine).size();
  for (SequenceId i = 1; i < 6; ++i) ASSERT_TRUE(engine->Fork(0, i).ok());
  EXPECT_EQ(engine->memory_use().sequences, one);
  const Bytes saved = Save(*engine);
  // A fork costs its tokens, its last row and its lists.
  EXPECT_LT(saved.size(), one_saved + 5 * 1000);
  for (const int page_positions : {32, 64, 256}) {
    const auto other = Make({.page_positions = page_positions});
    ASSERT_TRUE(other->RestoreFromMemory(saved).ok());
    const size_t six = other->memory_use().sequences;
    ASSERT_TRUE(other->Keep(3).ok());
    EXPECT_EQ(other->memory_use().sequences, six);
  }
}

TEST_P(ArchiveTest, GoesBackAsFarAsBefore) {
  const EngineOptions options = {
      .max_ubatch = 9, .rollback = 6, .checkpoint_every = 25};
  const auto engine = Make(options);
  Append(*engine, 0, 0, 80);
  const Bytes saved = Save(*engine);
  for (const Position target : {79, 77, 74, 60, 50, 30}) {
    const auto other = Make(options);
    ASSERT_TRUE(other->RestoreFromMemory(saved).ok());
    const auto same = Make(options);
    Append(*same, 0, 0, 80);
    const auto expected = same->Remove(0, target, -1);
    const auto removal = other->Remove(0, target, -1);
    ASSERT_EQ(removal.ok(), expected.ok()) << target;
    if (!expected.ok()) continue;
    EXPECT_EQ(removal->replayed, expected->replayed);
    EXPECT_EQ(removal->reevaluated, expected->reevaluated);
    EXPECT_EQ(Append(*other, 0, 4, target + 30),
              Append(*same, 0, 4, target + 30));
  }
}

// Whatever an engine keeps that was restored from one that kept less or more,
// it refuses, or has the right bits.
TEST_P(ArchiveTest, OtherRollbackIsRefusedOrExact) {
  const auto alone = [&](Position fork) {
    const auto engine = Make({});
    Append(*engine, 0, 0, fork);
    return Append(*engine, 0, 4, fork + 20);
  };
  for (const int saved_rollback : {0, 4, 7, 16}) {
    const auto engine = Make({.max_ubatch = 11, .rollback = saved_rollback});
    Append(*engine, 0, 0, 61);
    const Bytes saved = Save(*engine);
    for (const int rollback : {0, 3, 7, 8, 20}) {
      for (const Position more : {0, 1, 2, 9, 30}) {
        for (const Position back : {1, 3, 7}) {
          SCOPED_TRACE(testing::Message()
                       << "saved with " << saved_rollback << ", here "
                       << rollback << ", " << more << " more, " << back
                       << " back");
          const auto other = Make({.rollback = rollback});
          ASSERT_TRUE(other->RestoreFromMemory(saved).ok());
          if (more > 0) Append(*other, 0, 0, 61 + more);
          const Position target = 61 + more - back;
          const auto removal = other->Remove(0, target, -1);
          // Once all that it keeps is its own, nothing is missing.
          if (back <= rollback && more == 30) {
            ASSERT_TRUE(removal.ok()) << removal.error().message;
          }
          if (!removal.ok()) continue;
          EXPECT_EQ(Append(*other, 0, 4, target + 20), alone(target));
        }
      }
    }
  }
}

TEST_P(ArchiveTest, ARefusalChangesNothing) {
  const auto engine = Make({});
  Populate(*engine);
  const Bytes saved = Save(*engine);
  const auto other = Make({.context = 120, .max_sequences = 4});
  Append(*other, 2, 7, 33);
  const Bytes before = Save(*other);
  const auto refused = [&](std::span<const std::byte> archive,
                           const RestoreOptions& restore = {}) {
    const auto result = other->RestoreFromMemory(archive, restore);
    EXPECT_FALSE(result.ok());
    EXPECT_TRUE(Save(*other) == before);
    return result.ok() ? "" : result.error().message;
  };
  EXPECT_EQ(refused(saved),
            "cannot restore saved sequence 4 as sequence 4: there are 4, "
            "numbered from 0 (-np)");
  EXPECT_EQ(refused(saved, {.ids = {{2, 0}}}),
            "the saved state has no sequence 2, it has 4 sequences");
  EXPECT_EQ(refused(saved, {.ids = {{0, 1}, {1, 1}}}),
            "cannot restore two sequences as sequence 1");
  if (model_->info().attention) {
    EXPECT_EQ(refused(saved, {.ids = {{0, 1}, {1, 3}}}),
              "the saved state needs 121 positions, 33 of 120 are used by "
              "sequences that stay: raise -c");
  }
  EXPECT_EQ(refused(std::span(saved).first(saved.size() - 1)).substr(0, 31),
            "the saved state was cut off or ");
  const auto rebuilt = MakeTinyModel(GetParam(), DType::kF16);
  auto f32 = Make({.kv_type = KvType::kF32});
  EXPECT_EQ(f32->RestoreFromMemory(saved).error().message,
            "the state was saved with KV type f16, here it is f32");
  const auto few = Make({.memory_limit = 1000});
  EXPECT_TRUE(few->RestoreFromMemory(saved).error().message.ends_with(
      "1000 are allowed: raise --memory-limit or remove a sequence"));
  EXPECT_EQ(few->memory_use().sequences, 0u);
  EXPECT_EQ(engine->SaveToMemory(std::vector<SequenceId>{1, 9}).error().message,
            "cannot save sequence 9: there are 6, numbered from 0 (-np)");
  EXPECT_EQ(engine->SaveToMemory(std::vector<SequenceId>{1, 1}).error().message,
            "cannot save sequence 1: it is named twice");
}

// Those that stay are a fork and its origin, with checkpoints; the engine has
// room for few more of these.
TEST_P(ArchiveTest, BesideOthersThatShareAndHaveCheckpoints) {
  const EngineOptions options = {.checkpoint_every = 10,
                                 .checkpoint_bytes = size_t{1} << 14};
  const auto engine = Make(options);
  Populate(*engine);
  const Bytes saved = Save(*engine);
  const auto stay = [&](Engine& at) {
    Append(at, 2, 7, 95);
    ASSERT_TRUE(at.Fork(2, 5).ok());
    Append(at, 2, 8, 110);
  };
  const auto alone = Make(options);
  stay(*alone);
  const auto other = Make(options);
  stay(*other);
  // With ids, the others stay.
  const auto restored = other->RestoreFromMemory(
      saved, {.ids = {{0, 0}, {1, 1}, {3, 3}, {4, 4}}});
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(Continue(*other, {0, 1, 3, 4}), Continue(*engine, {0, 1, 3, 4}));
  EXPECT_EQ(Continue(*other, {2, 5}), Continue(*alone, {2, 5}));
}

TEST_P(ArchiveTest, ToAFileAndBack) {
  const std::string path =
      testing::TempDir() + "braid_state_" + std::to_string(getpid()) + ".state";
  const auto engine = Make({});
  Populate(*engine);
  const Status status = engine->Save(path);
  ASSERT_TRUE(status.ok()) << status.error().message;
  struct stat file;
  ASSERT_EQ(stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(static_cast<size_t>(file.st_size), Save(*engine).size());
  const auto other = Make({});
  const auto restored = other->Restore(path);
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(Continue(*other, {0, 1}), Continue(*engine, {0, 1}));
  std::filesystem::resize_file(path, static_cast<uintmax_t>(file.st_size / 2));
  EXPECT_TRUE(other->Restore(path).error().message.starts_with(
      path + ": the saved state was cut off or is not finished"));
  std::filesystem::remove(path);
  EXPECT_TRUE(
      other->Restore(path).error().message.starts_with(path + ": cannot open"));
}

// Everything that a sequence carries: sums of pooled rows and marks, too.
TEST_P(ArchiveTest, PoolingGoesOn) {
  for (const Pooling pooling :
       {Pooling::kMean, Pooling::kFirst, Pooling::kLast}) {
    const EngineOptions options = {.pooling = pooling, .checkpoint_every = 16};
    const auto pool = [&](Engine& engine, Position end) {
      Batch batch;
      const Position begin = engine.NextPosition(0);
      if (model_->info().encoder && begin == 0) AddText(engine, 0, batch);
      for (Position p = begin; p < end; ++p) {
        batch.Add(Token(0, p), p, 0, Want::kPooled);
      }
      const Status status = engine.Decode(batch);
      ASSERT_TRUE(status.ok()) << status.error().message;
    };
    const auto embedding = [](const Engine& engine) {
      const auto row = engine.Embedding(0);
      return Row(row.begin(), row.end());
    };
    const auto engine = Make(options);
    pool(*engine, 50);
    const Bytes saved = Save(*engine);
    const auto other = Make(options);
    ASSERT_TRUE(other->RestoreFromMemory(saved).ok());
    EXPECT_EQ(embedding(*other), embedding(*engine));
    EXPECT_FALSE(embedding(*other).empty());
    pool(*engine, 90);
    pool(*other, 90);
    EXPECT_EQ(embedding(*other), embedding(*engine));
    const auto mine = engine->Remove(0, 48, -1);
    const auto theirs = other->Remove(0, 48, -1);
    ASSERT_EQ(mine.ok(), theirs.ok());
    EXPECT_EQ(embedding(*other), embedding(*engine));
    const auto none =
        Make({.pooling =
                  Pooling::kRank == pooling ? Pooling::kMean : Pooling::kNone});
    EXPECT_FALSE(none->RestoreFromMemory(saved).ok());
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ArchiveTest,
                         testing::Values(TinyKind::kMamba, TinyKind::kMamba2,
                                         TinyKind::kRwkv6, TinyKind::kRwkv7,
                                         TinyKind::kLfm2, TinyKind::kLlama,
                                         TinyKind::kGemma3,
                                         TinyKind::kDeepseek2, TinyKind::kJamba,
                                         TinyKind::kT5),
                         [](const auto& kind) { return ToText(kind.param); });

}  // namespace
}  // namespace braid
