// rollback_bench: what it takes to forget the last tokens, for every kind of
// recurrent memory.
//
//   rollback_bench [times, 1000] [tokens, 8] [threads, 2]
//
// A session gets `tokens` tokens at once, as from a speculative decoder, a few
// times, and then one by one; after each of these ten forks of it forget their
// last `tokens`. Models
// have random weights in F16, in the shapes of published ones of about 130M
// parameters (their vocabulary is small, because nothing here depends on it).
// Prints microseconds of Remove, what it took, what decoding one token takes,
// and `tokens` at once; and the most memory of the session's log and
// checkpoints beside that of `tokens` whole states.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "base/check.h"
#include "braid/engine.h"
#include "engine/loaded_model.h"
#include "models/jamba.h"
#include "models/lfm2.h"
#include "models/mamba.h"
#include "models/mamba2.h"
#include "models/rwkv6.h"
#include "models/rwkv7.h"

namespace braid {
namespace {

constexpr int kVocabulary = 512;
constexpr int kContext = 4096;
constexpr int kPrompt = 64;
constexpr int kForks = 10;  // after each token
constexpr int kDrafts = 5;
constexpr float kEpsilon = 1e-5f;

using ModelPtr = std::unique_ptr<LanguageModel>;

ModelShape MakeShape(int layers) {
  return {.vocabulary = kVocabulary,
          .layers = layers,
          .width = 768,
          .trained_context = kContext,
          .norm_epsilon = kEpsilon};
}

nn::MambaConfig Mamba130m() {
  return {.width = 768,
          .inner = 1536,
          .state = 16,
          .taps = 4,
          .dt_rank = 48,
          .norm_epsilon = kEpsilon};
}

std::vector<nn::AttentionConfig> AttentionIn(int layers, int width, int every) {
  std::vector<nn::AttentionConfig> attention(static_cast<size_t>(layers),
                                             {.width = width,
                                              .heads = width / 64,
                                              .key_dim = 64,
                                              .value_dim = 64,
                                              .scale = 0.125f,
                                              .norm_epsilon = kEpsilon});
  for (int i = every - 1; i < layers; i += every) {
    attention[static_cast<size_t>(i)].kv_heads = 4;
  }
  return attention;
}

ModelPtr MakeMamba(WeightScope& w) {
  return std::make_unique<MambaModel>(
      w, MambaModelConfig{.shape = MakeShape(24), .mixer = Mamba130m()});
}

ModelPtr MakeMamba2(WeightScope& w) {
  return std::make_unique<Mamba2Model>(
      w, Mamba2ModelConfig{.shape = MakeShape(24),
                           .mixer = {.width = 768,
                                     .inner = 1536,
                                     .heads = 24,
                                     .groups = 1,
                                     .state = 128,
                                     .taps = 4,
                                     .norm_epsilon = kEpsilon}});
}

// One layer of eight attends, as in the paper; MLPs without experts.
ModelPtr MakeJamba(WeightScope& w) {
  JambaConfig config = {.shape = MakeShape(16),
                        .hidden = 2048,
                        .mamba = Mamba130m(),
                        .attention = AttentionIn(16, 768, 8),
                        .experts = {}};
  config.mamba.dt_b_c_norms = nn::DtBcNorms::kLearned;
  return std::make_unique<JambaModel>(w, config);
}

ModelPtr MakeRwkv6(WeightScope& w) {
  return std::make_unique<Rwkv6Model>(
      w, Rwkv6ModelConfig{.shape = MakeShape(12),
                          .rescale_every = 6,
                          .block = {.width = 768,
                                    .head_size = 64,
                                    .hidden = 2688,
                                    .mix_rank = 32,
                                    .decay_rank = 64}});
}

ModelPtr MakeRwkv7(WeightScope& w) {
  return std::make_unique<Rwkv7Model>(
      w, Rwkv7ModelConfig{.shape = MakeShape(12),
                          .block = {.width = 768,
                                    .head_size = 64,
                                    .hidden = 3072,
                                    .decay_rank = 64,
                                    .rate_rank = 64,
                                    .residual_rank = 32,
                                    .gate_rank = 128}});
}

ModelPtr MakeLfm2(WeightScope& w) {
  Lfm2Config config = {.shape = MakeShape(15),
                       .hidden = 2304,
                       .taps = 3,
                       .attention = AttentionIn(15, 768, 3),
                       .rope = {.rotated = 64}};
  for (nn::AttentionConfig& attention : config.attention) {
    attention.rope = 0;
    attention.head_norms = true;
  }
  return std::make_unique<Lfm2Model>(w, config);
}

struct Kind {
  const char* name;
  ModelPtr (*make)(WeightScope&);
};

constexpr Kind kKinds[] = {{"mamba", MakeMamba}, {"mamba2", MakeMamba2},
                           {"jamba", MakeJamba}, {"rwkv6", MakeRwkv6},
                           {"rwkv7", MakeRwkv7}, {"lfm2", MakeLfm2}};

struct Plan {
  int times;
  int tokens;
  int threads;
};

// The next `count` tokens of a text that never ends.
void Append(Engine& engine, int count) {
  Batch batch;
  Position position = engine.NextPosition(0);
  for (int i = 0; i < count; ++i, ++position) {
    batch.Add(position * 7 % kVocabulary, position, 0,
              i + 1 == count ? Want::kLogits : Want::kNothing);
  }
  BRAID_CHECK(engine.Decode(batch).ok());
}

double Microseconds(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  work();
  return std::chrono::duration<double, std::micro>(Clock::now() - begin)
      .count();
}

size_t StateBytes(const LanguageModel& model) {
  size_t floats = 0;
  for (const LayerSpec& layer : model.Memory(DType::kF16).layers) {
    floats += layer.conv_floats + layer.state_floats;
  }
  return floats * sizeof(float);
}

double Megabytes(size_t bytes) { return static_cast<double>(bytes) / 1e6; }

double Median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void Measure(const Kind& kind, const Plan& plan) {
  auto source = std::make_unique<RandomSource>(1, DType::kF16);
  ThreadPool threads(plan.threads);
  WeightScope weights(*source, threads);
  ModelPtr language_model = kind.make(weights);
  BRAID_CHECK(weights.status().ok());
  const auto model = std::make_shared<LoadedModel>(std::move(source),
                                                   std::move(language_model));
  auto created = Engine::Create(model, {.context = kContext,
                                        .max_sequences = 2,
                                        .threads = plan.threads,
                                        .rollback = plan.tokens});
  BRAID_CHECK(created.ok());
  Engine& engine = **created;

  Append(engine, kPrompt);
  std::vector<double> drafts;
  for (int i = 0; i < kDrafts; ++i) {
    drafts.push_back(Microseconds([&] { Append(engine, plan.tokens); }));
  }
  MemoryUse most;
  std::vector<double> forgetting;
  std::vector<double> tokens;
  Removal all;
  for (int i = 0; i < plan.times; ++i) {
    if (i % kForks == 0) {
      tokens.push_back(Microseconds([&] { Append(engine, 1); }));
      const MemoryUse use = engine.memory_use();
      most.replay_log = std::max(most.replay_log, use.replay_log);
      most.checkpoints = std::max(most.checkpoints, use.checkpoints);
    }
    BRAID_CHECK(engine.Fork(0, 1).ok());
    forgetting.push_back(Microseconds([&] {
      const auto removal =
          engine.Remove(1, engine.NextPosition(1) - plan.tokens, -1);
      BRAID_CHECK(removal.ok());
      all.replayed += removal->replayed;
      all.reevaluated += removal->reevaluated;
    }));
    BRAID_CHECK(engine.Remove(1, 0, -1).ok());
  }

  double mean = 0;
  for (const double time : forgetting) mean += time / plan.times;
  std::printf(
      "%-7s %7.0f %7.0f %7.0f %9.1f %6d %8.0f %8.0f %7.2f %7.2f %7.2f\n",
      kind.name, mean, Median(forgetting),
      *std::max_element(forgetting.begin(), forgetting.end()),
      static_cast<double>(all.replayed) / plan.times, all.reevaluated,
      Median(tokens), Median(drafts), Megabytes(most.replay_log),
      Megabytes(most.checkpoints),
      Megabytes(static_cast<size_t>(plan.tokens) *
                StateBytes(model->language_model())));
  std::fflush(stdout);
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) {
  const auto argument = [&](int index, int otherwise) {
    return argc > index ? std::atoi(argv[index]) : otherwise;
  };
  const braid::Plan plan = {argument(1, 1000), argument(2, 8), argument(3, 2)};
  std::printf("the last %d tokens forgotten %d times, %d threads\n",
              plan.tokens, plan.times, plan.threads);
  std::printf(
      "            Remove, us                    tokens      Decode, us     "
      "            MB\n"
      "           mean  median     max  replayed  again  1 token    draft"
      "     log checkpt  states\n");
  for (const braid::Kind& kind : braid::kKinds) {
    braid::Measure(kind, plan);
  }
}
