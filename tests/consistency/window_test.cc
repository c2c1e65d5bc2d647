// Sliding windows over parallel sequences: what is behind a window is given
// back while the others go on, and nobody's bits change by it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "engine/batch_engine.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

using Row = std::vector<float>;

constexpr int kSequences = 8;
// The wider of the tiny Gemma-3's windows; the other is 7.
constexpr int kWindow = 40;
constexpr Position kLength = 4 * kWindow;

struct Form {
  int page_positions;
  int rollback;
};

std::string ErrorOf(const Status& status) {
  return status.ok() ? "no error" : status.error().message;
}

TokenId Token(int stream, Position position) {
  return static_cast<TokenId>(RandomBits(17, static_cast<uint64_t>(stream),
                                         static_cast<uint64_t>(position)) %
                              60);
}

// Pages for `positions` of them, whatever the place of the first in its page.
int64_t MostPages(int64_t positions, int page) {
  return (positions + page - 1) / page + 1;
}

class WindowTest : public testing::TestWithParam<Form> {
 protected:
  static void SetUpTestSuite() {
    model_ = MakeTinyModel(TinyKind::kGemma3, DType::kF32);
    for (int stream = 0; stream < kSequences; ++stream) {
      alone_[stream] = Alone(stream);
    }
  }
  static void TearDownTestSuite() { model_.reset(); }

  static std::unique_ptr<BatchEngine> Make(EngineOptions options) {
    options.context = kSequences * (kLength + 1);
    auto engine = BatchEngine::Create(model_, options);
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    return std::move(*engine);
  }

  std::unique_ptr<BatchEngine> MakeForm() const {
    return Make({.max_ubatch = 48,
                 .max_sequences = kSequences,
                 .threads = 2,
                 .rollback = GetParam().rollback,
                 .page_positions = GetParam().page_positions});
  }

  // One sequence, one thread, one token at a time.
  static std::vector<Row> Alone(int stream) {
    const auto engine = Make({.max_ubatch = 1, .threads = 1});
    std::vector<Row> rows;
    for (Position p = 0; p < kLength; ++p) {
      Batch batch;
      batch.Add(Token(stream, p), p, 0, Want::kLogits);
      EXPECT_EQ(ErrorOf(engine->Decode(batch, {})), "no error");
      const auto row = engine->Logits(0);
      rows.emplace_back(row.begin(), row.end());
    }
    return rows;
  }

  // Up to `count` more tokens of each stream, in the sequence of its number.
  static Batch NextTokens(const Engine& engine, int count) {
    Batch batch;
    for (int i = 0; i < count; ++i) {
      for (SequenceId s = 0; s < kSequences; ++s) {
        const Position p = engine.NextPosition(s) + i;
        if (p < kLength) batch.Add(Token(s, p), p, s, Want::kLogits);
      }
    }
    return batch;
  }

  static void ExpectBits(const Engine& engine, const Batch& batch) {
    for (int i = 0; i < batch.size(); ++i) {
      const auto row = engine.Logits(i);
      const Row& expected = alone_[batch[i].sequence][batch[i].position];
      ASSERT_EQ(Row(row.begin(), row.end()), expected)
          << "sequence " << batch[i].sequence << ", position "
          << batch[i].position;
    }
  }

  // Of the tokens `planned` in this step for every sequence; 0: after it.
  static void ExpectBounded(BatchEngine& engine, int planned) {
    const HybridMemory& memory = engine.memory();
    for (size_t g = 0; g < memory.groups().size(); ++g) {
      const int window = memory.WindowOf(static_cast<int>(g));
      if (window == 0) continue;
      const KvPages& pages = memory.groups()[g];
      const int64_t positions = window + GetParam().rollback + planned - 1;
      const int64_t most = MostPages(positions, pages.group_positions());
      ASSERT_LE(pages.groups_in_use(), kSequences * most)
          << "window " << window << ", " << planned << " tokens planned";
      for (SequenceId s = 0; s < kSequences; ++s) {
        ASSERT_LE(pages.GroupsOf(s), most)
            << "window " << window << ", sequence " << s;
      }
    }
  }

  static void DecodeAll(BatchEngine& engine) {
    while (engine.NextPosition(0) < kLength) {
      const Batch batch = NextTokens(engine, 30);
      ASSERT_EQ(ErrorOf(engine.Decode(batch, {})), "no error");
    }
  }

  static inline std::shared_ptr<const LoadedModel> model_;
  static inline std::vector<Row> alone_[kSequences];
};

TEST_P(WindowTest, PagesAreBoundedInAndAfterEveryStep) {
  const auto engine = MakeForm();
  ASSERT_EQ(engine->memory().groups().size(), 3u);  // 0, 7 and 40
  constexpr int kSteps[] = {1, 5, 40, 90};
  for (int step = 0; engine->NextPosition(0) < kLength; ++step) {
    const int count = kSteps[step % std::size(kSteps)];
    const Batch batch = NextTokens(*engine, count);
    int looks = 0;
    const auto look = [&] {
      ++looks;
      ExpectBounded(*engine, count);
      return false;
    };
    ASSERT_EQ(ErrorOf(engine->Decode(batch, look)), "no error");
    ASSERT_GT(looks, 0);
    ExpectBounded(*engine, 0);
    ExpectBits(*engine, batch);
    if (HasFatalFailure()) return;
  }
  // The bound is met because pages are given back: there were many more.
  const auto groups = engine->memory().groups();
  const auto everything = kLength / GetParam().page_positions;
  EXPECT_GT(groups[0].GroupsOf(0), groups[1].GroupsOf(0));
  EXPECT_GE(groups[0].GroupsOf(0), everything);
}

TEST_P(WindowTest, GoingBackOverTheEdgeIsExactOrRefused) {
  const auto engine = MakeForm();
  DecodeAll(*engine);
  if (HasFatalFailure()) return;
  for (SequenceId s = 0; s < kSequences; ++s) {
    // Longer and longer ways.
    const Position target = kLength - 1 - 5 * s;
    const auto removal = engine->Remove(s, target, -1);
    const bool promised = kLength - target <= GetParam().rollback;
    EXPECT_TRUE(removal.ok() || !promised) << "back to " << target;
    EXPECT_EQ(engine->NextPosition(s), removal.ok() ? target : kLength);
  }
  const auto too_far = engine->Remove(7, 10, -1);
  ASSERT_FALSE(too_far.ok());
  EXPECT_NE(too_far.error().message.find("raise --rollback"),
            std::string::npos);
  const Batch batch = NextTokens(*engine, kLength);
  if (batch.size() == 0) return;
  ASSERT_EQ(ErrorOf(engine->Decode(batch, {})), "no error");
  ExpectBits(*engine, batch);
}

TEST_P(WindowTest, ForksAndRestoredSequencesGoOnBehindTheEdge) {
  const auto engine = MakeForm();
  constexpr Position kCut = 3 * kWindow + 5;
  for (SequenceId s = 0; s < 2; ++s) {
    Batch batch;
    for (Position p = 0; p < kCut; ++p) {
      batch.Add(Token(s, p), p, s, Want::kNothing);
    }
    ASSERT_EQ(ErrorOf(engine->Decode(batch, {})), "no error");
  }
  ASSERT_EQ(ErrorOf(engine->Fork(1, 2)), "no error");
  const auto archive = engine->SaveToMemory({});
  ASSERT_TRUE(archive.ok()) << archive.error().message;
  const auto other = Make({.max_ubatch = 7,
                           .max_sequences = kSequences,
                           .threads = 1,
                           .split = SplitPolicy::kEqual,
                           .rollback = 3,
                           .page_positions = 96});
  const auto restored = other->RestoreFromMemory(*archive, {});
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  // The fork writes first, another text; then all but it, their own.
  for (BatchEngine* each : {engine.get(), other.get()}) {
    Batch foreign;
    for (Position p = kCut; p < kLength; ++p) {
      foreign.Add(Token(5, p), p, 2, Want::kNothing);
    }
    ASSERT_EQ(ErrorOf(each->Decode(foreign, {})), "no error");
    Batch batch;
    for (Position p = kCut; p < kLength; ++p) {
      for (SequenceId s = 0; s < 2; ++s) {
        batch.Add(Token(s, p), p, s, Want::kLogits);
      }
    }
    ASSERT_EQ(ErrorOf(each->Decode(batch, {})), "no error");
    ExpectBits(*each, batch);
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, WindowTest,
                         testing::Values(Form{32, 0}, Form{32, 8}, Form{64, 8},
                                         Form{128, 20}),
                         [](const auto& form) {
                           return "Page" +
                                  std::to_string(form.param.page_positions) +
                                  "Rollback" +
                                  std::to_string(form.param.rollback);
                         });

}  // namespace
}  // namespace braid
