// The library never ends its host: what once aborted, or was answered in
// silence, is an error.
#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>
#include <cmath>
#include <filesystem>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/engine.h"
#include "braid/model.h"
#include "braid/sampling.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

constexpr const char* kModel =
    BRAID_SOURCE_DIR "/models/braid-prose-3.6m-f16.gguf";

std::string ErrorOf(const Status& status) {
  return status.ok() ? "no error" : status.error().message;
}

std::string ErrorOfCreate(const EngineOptions& options) {
  const auto engine =
      Engine::Create(MakeTinyModel(TinyKind::kHybrid, DType::kF32), options);
  return engine.ok() ? "no error" : engine.error().message;
}

std::unique_ptr<Engine> MakeEngine(EngineOptions options = {}) {
  options.context = 100;
  options.threads = 1;
  return std::move(
      *Engine::Create(MakeTinyModel(TinyKind::kHybrid, DType::kF32), options));
}

// A model that does not come from Model::Load.
class ForeignModel : public Model {
 public:
  const ModelInfo& info() const override { return info_; }
  const Tokenizer& tokenizer() const override {
    throw std::logic_error("nobody asks");
  }

 private:
  ModelInfo info_;
};

TEST(HostIssueTest, ModelsThatAreNone) {
  const auto none = Engine::Create(nullptr, {});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().message, "model: there is none (a null pointer)");
  const auto foreign = Engine::Create(std::make_shared<ForeignModel>(), {});
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().message,
            "model: it is not one that Model::Load has made");
}

TEST(HostIssueTest, EnumeratorsOutOfRange) {
  EXPECT_EQ(ErrorOfCreate({.split = SplitPolicy(77)}),
            "split: 77 is not in [0, 3]");
  EXPECT_EQ(ErrorOfCreate({.kv_type = KvType(9)}),
            "kv_type: 9 is not in [0, 1]");
  EXPECT_EQ(ErrorOfCreate({.pooling = Pooling(99)}),
            "pooling: 99 is not in [0, 4]");
  const auto engine = MakeEngine();
  EXPECT_EQ(ErrorOf(engine->Reconfigure(1, 8, SplitPolicy(-1))),
            "split: -1 is not in [0, 3]");
  Batch batch;
  batch.Add(1, 0, 0, Want(42));
  EXPECT_EQ(ErrorOf(engine->Decode(batch)),
            "batch entry 0: want 42 is not in [0, 4]");
  EXPECT_EQ(engine->NextPosition(0), 0);
}

TEST(HostIssueTest, ThreadsOfLoadingAreChecked) {
  const auto model = Model::Load(kModel, {.threads = 100000, .progress = {}});
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.error().message.find("100000 is not in [0, 1024]"),
            std::string::npos)
      << model.error().message;
}

TEST(HostIssueTest, ScoresWithoutTargets) {
  const auto engine = MakeEngine();
  Batch batch;
  const std::vector<SequenceId> sequences = {0};
  batch.AddScored(1, 0, sequences, std::span<const TokenId>());
  EXPECT_NE(ErrorOf(engine->Decode(batch)).find("target -1"),
            std::string::npos);
}

TEST(HostIssueTest, EntriesThatWereChangedToNameWhatIsNotThere) {
  const auto engine = MakeEngine();
  Batch batch;
  batch.AddScored(1, 0, 0, 2);
  batch[0].more_targets_count = INT_MAX;
  EXPECT_NE(ErrorOf(engine->Decode(batch)).find("are not among those"),
            std::string::npos);
  batch[0].more_targets_count = 0;
  batch[0].sequences_begin = -3;
  EXPECT_EQ(ErrorOf(engine->Decode(batch)), "batch entry 0: no sequence");
}

TEST(HostIssueTest, CallsFromInsideACallback) {
  const auto engine = MakeEngine({.max_ubatch = 4, .max_sequences = 2});
  Batch batch;
  for (Position p = 0; p < 12; ++p) batch.Add(p, p, 0, Want::kNothing);
  std::vector<Position> reached;
  std::string within;
  const Status status = engine->Decode(batch, [&] {
    reached.push_back(engine->NextPosition(0));
    within = ErrorOf(engine->Decode(batch));
    EXPECT_FALSE(engine->Fork(0, 1).ok());
    EXPECT_FALSE(engine->Remove(0, 0, -1).ok());
    EXPECT_FALSE(engine->SaveToMemory().ok());
    EXPECT_TRUE(engine->LastLogits(0).empty());
    return false;
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(reached, (std::vector<Position>{0, 4, 8}));
  EXPECT_NE(within.find("Decode was called from inside a callback"),
            std::string::npos)
      << within;
  EXPECT_EQ(engine->NextPosition(0), 12);
  EXPECT_FALSE(engine->LastLogits(0).empty());
}

TEST(HostIssueTest, WhatACallbackThrowsIsAnError) {
  const auto engine = MakeEngine({.max_ubatch = 4});
  Batch batch;
  for (Position p = 0; p < 12; ++p) batch.Add(p, p, 0, Want::kNothing);
  int asked = 0;
  const Status status = engine->Decode(batch, [&]() -> bool {
    if (++asked == 3) throw std::runtime_error("the reader has left");
    return false;
  });
  EXPECT_EQ(ErrorOf(status), "the reader has left (while decoding)");
  EXPECT_EQ(engine->NextPosition(0), 8);
  const auto model = Model::Load(kModel, {.threads = 1, .progress = [](double) {
                                            throw std::bad_alloc();
                                          }});
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.error().message.find("out of memory while loading"),
            std::string::npos)
      << model.error().message;
}

TEST(HostIssueTest, ResultsOfEntriesThatAreNotThere) {
  const auto engine = MakeEngine();
  Batch batch;
  batch.AddScored(1, 0, 0, 2);
  ASSERT_TRUE(engine->Decode(batch).ok());
  EXPECT_FALSE(std::isnan(engine->LogProbability(0, 0)));
  for (const int entry : {INT_MIN, -1, 1, INT_MAX - 1, INT_MAX}) {
    EXPECT_TRUE(std::isnan(engine->LogProbability(entry, 0))) << entry;
    EXPECT_TRUE(std::isnan(engine->LogProbability(0, entry))) << entry;
    EXPECT_TRUE(engine->Logits(entry).empty()) << entry;
    EXPECT_TRUE(engine->Hidden(entry).empty()) << entry;
  }
}

TEST(HostIssueTest, NothingToDrawFrom) {
  SamplingScratch scratch;
  EXPECT_EQ(SampleToken({}, {}, {}, scratch), kNoToken);
  const std::vector<float> logits = {1, 2, 3};
  EXPECT_EQ(SampleToken(logits, {}, {.logit_bias = {{7, 1.f}}}, scratch),
            kNoToken);
  EXPECT_EQ(SampleToken(logits, {}, {.min_p = 2, .logit_bias = {}}, scratch),
            kNoToken);
  const SamplingScratch moved = std::move(scratch);
  EXPECT_EQ(
      SampleToken(logits, {}, {.temperature = 0, .logit_bias = {}}, scratch),
      2);
}

// The file of a model that is in use loses its second half, and gets it back.
TEST(HostIssueTest, AModelFileThatIsCutShort) {
  const std::string path =
      (std::filesystem::temp_directory_path() /
       ("braid_cut_" + std::to_string(::getpid()) + ".gguf"))
          .string();
  std::filesystem::copy_file(kModel, path,
                             std::filesystem::copy_options::overwrite_existing);
  const auto model = Model::Load(path, {.threads = 1, .progress = {}});
  ASSERT_TRUE(model.ok()) << model.error().message;
  const auto engine = std::move(*Engine::Create(*model, {.threads = 1}));
  const auto decode = [&] {
    Batch batch;
    for (TokenId token = 0; token < 500; ++token) {
      batch.Add(token, token, 0, token == 499 ? Want::kLogits : Want::kNothing);
    }
    return engine->Decode(batch);
  };
  const auto whole = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, 4096);
  // This model's token embeddings are so few that they are in memory; those
  // that are read from the file as they are needed: nn/weight_source_test.cc.
  EXPECT_EQ(ErrorOf(decode()), "no error");
  const auto saved = engine->SaveToMemory();
  ASSERT_FALSE(saved.ok());
  EXPECT_NE(saved.error().message.find("cut short"), std::string::npos)
      << saved.error().message;
  EXPECT_EQ((*model)->tokenizer().Decode(std::vector<TokenId>{300}, {}),
            (*LoadTokenizer(kModel))->Decode(std::vector<TokenId>{300}, {}));

  std::filesystem::resize_file(path, whole);  // zeros
  std::filesystem::copy_file(kModel, path,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(engine->SaveToMemory().ok());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace braid
