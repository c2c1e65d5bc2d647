// What `braid fit` tells is what engines take: the counts that it computes are
// held against those of engines that are filled, and an engine that does not
// compute takes what one that computes takes.
#include "engine/fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/try.h"
#include "engine/batch_engine.h"
#include "engine/engine_options.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

// Puts every sequence through an engine: its share of the context, side by
// side, and logits after every batch; with an encoder a text first.
class Filler {
 public:
  explicit Filler(Engine& engine)
      : engine_(engine),
        filling_(FillingOf(engine.model(), engine.options())),
        positions_(static_cast<int>(filling_.positions)) {}

  // Sequences go side by side, as many tokens of each as a batch has room for.
  Status Run() {
    const EngineOptions& options = engine_.options();
    if (engine_.model().info().encoder) BRAID_TRY(AddTexts());
    const int share = static_cast<int>(filling_.batch_tokens);
    for (bool more = true; more;) {
      more = false;
      for (SequenceId s = 0; s < options.max_sequences; ++s) {
        const Position begin = engine_.NextPosition(s);
        const int count = std::min(share, positions_ - begin);
        if (count <= 0) continue;
        if (batch_.size() + count > options.max_batch) BRAID_TRY(Flush());
        Add(s, begin, count);
        more = true;
      }
      BRAID_TRY(Flush());
    }
    return {};
  }

 private:
  Status AddTexts() {
    const EngineOptions& options = engine_.options();
    const std::vector<TokenId> text(static_cast<size_t>(filling_.text_tokens));
    for (SequenceId s = 0; s < options.max_sequences; ++s) {
      batch_.AddEncoder(text, s);
      Add(s, 0, 1);
      BRAID_TRY(Flush());
    }
    return {};
  }

  void Add(SequenceId sequence, Position begin, int count) {
    const ModelInfo& info = engine_.model().info();
    const bool pooled = *engine_.options().pooling != Pooling::kNone;
    for (int i = 0; i < count; ++i) {
      const bool last = i + 1 == count;
      Want want = Want::kNothing;
      if (pooled) {
        want = Want::kPooled;
      } else if (last) {
        want = info.logits ? Want::kLogits : Want::kHidden;
      }
      batch_.Add(0, begin + i, sequence, want);
    }
  }

  Status Flush() {
    if (batch_.size() == 0) return {};
    const Status decoded = engine_.Decode(batch_);
    batch_.Clear();
    return decoded;
  }

  Engine& engine_;
  Filling filling_;
  int positions_;
  Batch batch_;
};

EngineOptions Options(const Model& model) {
  EngineOptions options = {.context = 300,
                           .max_batch = 64,
                           .max_ubatch = 24,
                           .max_sequences = 3,
                           .threads = 2,
                           .rollback = 5,
                           .checkpoint_every = 20};
  if (model.info().bidirectional) options.split = SplitPolicy::kWhole;
  return options;
}

// Long and short, of few sequences and many, with all that keeps more.
std::vector<EngineOptions> SetUps() {
  std::vector<EngineOptions> setups;
  for (const int sequences : {1, 3, 20}) {
    for (const int ubatch : {16, 64}) {
      for (const int rollback : {0, 5, 40}) {
        EngineOptions options = {.context = 200 * sequences,
                                 .max_batch = 64,
                                 .max_ubatch = ubatch,
                                 .max_sequences = sequences,
                                 .threads = 1,
                                 .rollback = rollback};
        setups.push_back(options);
        options.checkpoint_every = 30;
        options.checkpoint_bytes = size_t{1} << 18;
        options.page_positions = 64;
        setups.push_back(options);
      }
    }
  }
  return setups;
}

class FitOf : public testing::TestWithParam<TinyKind> {};

TEST_P(FitOf, SkippedWorkTakesTheSameMemory) {
  for (const DType type : {DType::kF32, DType::kQ8_0}) {
    WeightUse read, sized;
    const auto model =
        MakeTinyModel(GetParam(), type, WeightScope::Tensors::kRead, &read);
    const auto hollow =
        MakeTinyModel(GetParam(), type, WeightScope::Tensors::kSized, &sized);
    EXPECT_EQ(sized.packed, read.packed);
    EXPECT_EQ(sized.vectors, read.vectors);
    EXPECT_EQ(sized.tables, read.tables);
    EXPECT_EQ(sized.most_loading, read.most_loading);

    auto computes = BatchEngine::Create(model, Options(*model));
    auto skips = BatchEngine::Create(hollow, Options(*hollow),
                                     ThreadPool::Tasks::kSkipped);
    ASSERT_TRUE(computes.ok() && skips.ok());
    ASSERT_TRUE(Filler(**computes).Run().ok());
    ASSERT_TRUE(Filler(**skips).Run().ok());
    for (SequenceId s = 0; s < 3; ++s) {
      EXPECT_GT((*skips)->NextPosition(s), 0);
      EXPECT_EQ((*skips)->NextPosition(s), (*computes)->NextPosition(s));
    }
    const MemoryUse real = (*computes)->memory_use();
    const MemoryUse told = (*skips)->memory_use();
    EXPECT_EQ(told.sequences, real.sequences);
    EXPECT_EQ(told.capacity, real.capacity);
    EXPECT_EQ(told.checkpoints, real.checkpoints);
    EXPECT_EQ(told.replay_log, real.replay_log);
    // Without routing all rows go to one expert: the most that can be.
    const bool routed =
        GetParam() == TinyKind::kMixtral || GetParam() == TinyKind::kDeepseek2;
    EXPECT_GE(told.scratch, real.scratch);
    if (!routed) {
      EXPECT_EQ(told.scratch, real.scratch);
    }
  }
}

// Of set-ups of every kind, that `computed` is at least `used` and hardly more.
void ExpectClose(int64_t computed, int64_t used, int64_t room,
                 const char* what) {
  EXPECT_GE(computed, used) << what;
  EXPECT_LE(computed, used + used / 4 + room) << what;
}

TEST_P(FitOf, ComputedCountsAreThoseOfAFilledEngine) {
  const auto model =
      MakeTinyModel(GetParam(), DType::kF32, WeightScope::Tensors::kSized);
  for (EngineOptions options : SetUps()) {
    if (model->info().bidirectional) options.split = SplitPolicy::kWhole;
    SCOPED_TRACE(testing::Message()
                 << "context " << options.context << ", sequences "
                 << options.max_sequences << ", batch " << options.max_batch
                 << ", ubatch " << options.max_ubatch << ", rollback "
                 << options.rollback << ", every " << options.checkpoint_every
                 << ", pages " << options.page_positions);
    auto engine =
        BatchEngine::Create(model, options, ThreadPool::Tasks::kSkipped);
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    const Status filled = Filler(**engine).Run();
    ASSERT_TRUE(filled.ok()) << filled.error().message;
    HybridMemory& memory = (*engine)->memory();
    const auto computed = Fill(memory.spec(), memory.limits(),
                               FillingOf(*model, (*engine)->options()));
    ASSERT_TRUE(computed.ok()) << computed.error().message;

    const int64_t sequences = options.max_sequences;
    ExpectClose(computed->cell_count, memory.cells().cells_touched(),
                4 * sequences, "cells");
    ASSERT_EQ(computed->groups.size(), memory.groups().size() + 1);
    for (size_t g = 0; g < memory.groups().size(); ++g) {
      ExpectClose(computed->groups[g], memory.groups()[g].groups_touched(),
                  memory.WindowOf(static_cast<int>(g)) == 0 ? 0 : 2 * sequences,
                  "groups");
    }
    ExpectClose(computed->groups.back(), memory.log().groups_touched(),
                3 * sequences + 8, "log");
    EXPECT_EQ(computed->text_pages, memory.cross().pages_touched());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FitOf,
    testing::Values(TinyKind::kMamba, TinyKind::kMamba2, TinyKind::kRwkv6,
                    TinyKind::kRwkv7, TinyKind::kLfm2, TinyKind::kLlama,
                    TinyKind::kMixtral, TinyKind::kDeepseek2, TinyKind::kJamba,
                    TinyKind::kGemma3, TinyKind::kBert, TinyKind::kT5),
    [](const auto& kind) { return ToText(kind.param); });

std::string ShippedModel() {
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(BRAID_SOURCE_DIR) / "models")) {
    if (entry.path().extension() == ".gguf") return entry.path();
  }
  return "";
}

TEST(Fit, PartsOfTheShippedModel) {
  const std::string path = ShippedModel();
  ASSERT_FALSE(path.empty());
  const auto fitter = Fitter::Open(path, {.threads = 1, .progress = {}});
  ASSERT_TRUE(fitter.ok()) << fitter.error().message;
  const EngineOptions options = {
      .context = 4096, .max_sequences = 4, .threads = 2};
  const auto fit = fitter->Compute(options);
  ASSERT_TRUE(fit.ok()) << fit.error().message;
  EXPECT_GE(fit->weights,
            static_cast<size_t>(fitter->model().info().weight_bytes) -
                static_cast<size_t>(fitter->model().info().file_bytes) / 4);
  EXPECT_EQ(fit->pages, 0u);
  EXPECT_EQ(fit->replay_log, 0u);
  EXPECT_GT(fit->cells, 0u);
  EXPECT_GT(fit->scratch, 0u);
  EXPECT_EQ(
      fit->logits,
      4u * 4 * static_cast<size_t>(fitter->model().info().vocabulary_size));
  EXPECT_EQ(fit->total(), fit->program + fit->weights + fit->embeddings +
                              fit->cells + fit->scratch + fit->logits +
                              fit->tables);

  EngineOptions more = options;
  more.max_sequences = 64;
  more.rollback = 8;
  const auto larger = fitter->Compute(more);
  ASSERT_TRUE(larger.ok()) << larger.error().message;
  EXPECT_GT(larger->cells, fit->cells);
  EXPECT_GT(larger->replay_log, 0u);
  EXPECT_GT(larger->total(), fit->total());
}

TEST(Fit, IsTheSameTwiceAndNeverTakesLong) {
  const auto fitter = Fitter::Open(ShippedModel(), {});
  ASSERT_TRUE(fitter.ok());
  size_t last = 0;
  for (int64_t context = 1000; context <= 1'000'000'000; context *= 10) {
    for (const int sequences : {1, 1000}) {
      const EngineOptions options = {.context = static_cast<int>(context),
                                     .max_sequences = sequences,
                                     .threads = 2};
      const auto first = fitter->Compute(options);
      const auto second = fitter->Compute(options);
      ASSERT_TRUE(first.ok()) << first.error().message;
      EXPECT_EQ(first->total(), second->total());
      if (sequences > 1) continue;
      EXPECT_GE(first->total(), last);
      last = first->total();
    }
  }
  // What a billion tokens take is at least their numbers.
  EXPECT_GE(last, size_t{4'000'000'000});
}

TEST(Fit, RefusesWhatTheEngineRefuses) {
  const auto missing = Fitter::Open("/no/such.gguf", {});
  ASSERT_FALSE(missing.ok());
  const auto fitter = Fitter::Open(ShippedModel(), {});
  ASSERT_TRUE(fitter.ok());
  const auto fit = fitter->Compute({.max_sequences = 0});
  ASSERT_FALSE(fit.ok());
  EXPECT_NE(fit.error().message.find("-np"), std::string::npos)
      << fit.error().message;
}

}  // namespace
}  // namespace braid
