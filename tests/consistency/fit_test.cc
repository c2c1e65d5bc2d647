// An engine that does not compute takes what one that computes takes: what
// `braid fit` tells rests on it.
#include "engine/fit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engine/batch_engine.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

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
    ASSERT_TRUE(FillSequences(**computes).ok());
    ASSERT_TRUE(FillSequences(**skips).ok());
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
  const auto fit = fitter->Measure(options);
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
  const auto larger = fitter->Measure(more);
  ASSERT_TRUE(larger.ok()) << larger.error().message;
  EXPECT_GT(larger->cells, fit->cells);
  EXPECT_GT(larger->replay_log, 0u);
  EXPECT_GT(larger->total(), fit->total());
}

TEST(Fit, RefusesWhatTheEngineRefuses) {
  const auto missing = Fitter::Open("/no/such.gguf", {});
  ASSERT_FALSE(missing.ok());
  const auto fitter = Fitter::Open(ShippedModel(), {});
  ASSERT_TRUE(fitter.ok());
  const auto fit = fitter->Measure({.max_sequences = 0});
  ASSERT_FALSE(fit.ok());
  EXPECT_NE(fit.error().message.find("-np"), std::string::npos)
      << fit.error().message;
}

}  // namespace
}  // namespace braid
