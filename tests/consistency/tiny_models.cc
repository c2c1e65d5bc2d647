#include "tests/consistency/tiny_models.h"

#include <cmath>

#include "base/check.h"
#include "base/thread_pool.h"
#include "models/deepseek2.h"
#include "models/jamba.h"
#include "models/llama.h"
#include "models/mamba.h"
#include "models/mamba2.h"
#include "nn/weight_scope.h"
#include "nn/weight_source.h"
#include "tests/consistency/hybrid_model.h"

namespace braid {

namespace {

constexpr int kVocabulary = 61;
constexpr uint64_t kSeed = 20261122;

// Every row width must be a multiple of the block; plain floats get widths
// that fit no vector.
struct Widths {
  int width;
  int inner;
  int dt_rank;
  int heads;
  int kv_heads;
  int head_dim;
  int hidden;
};

Widths WidthsFor(DType type) {
  const int block = static_cast<int>(BlockElements(type));
  if (block == 1) return {36, 72, 3, 6, 2, 10, 44};
  return {block, 2 * block, block, 4, 2, block / 4, 2 * block};
}

nn::MambaConfig MakeMamba(const Widths& sizes) {
  return {.width = sizes.width,
          .inner = sizes.inner,
          .state = 16,
          .taps = 4,
          .dt_rank = sizes.dt_rank,
          .norm_epsilon = 1e-5f};
}

nn::Mamba2Config MakeMamba2(const Widths& sizes) {
  return {.width = sizes.width,
          .inner = sizes.inner,
          .heads = sizes.heads,
          .groups = 2,
          .state = 19,
          .taps = 4,
          .norm_epsilon = 1e-5f};
}

nn::AttentionConfig MakeAttention(const Widths& sizes) {
  return {.width = sizes.width,
          .heads = sizes.heads,
          .kv_heads = sizes.kv_heads,
          .key_dim = sizes.head_dim,
          .value_dim = sizes.head_dim,
          .scale = 1.0f / std::sqrt(static_cast<float>(sizes.head_dim)),
          .rope = 0};
}

nn::MoeConfig MakeExperts(const Widths& sizes) {
  return {.width = sizes.width,
          .hidden = sizes.hidden,
          .routing = {.experts = 5, .selected = 2, .normalized = true}};
}

// A dense layer, then experts; layer 2 has attn_kv_b in one piece.
std::unique_ptr<LanguageModel> MakeDeepseek2(const Widths& sizes,
                                             WeightScope& weights) {
  const nn::LatentAttentionConfig attention = {.width = sizes.width,
                                               .heads = sizes.heads,
                                               .nope = sizes.head_dim,
                                               .rotary = 6,
                                               .rank = sizes.inner,
                                               .query_rank = sizes.width,
                                               .value_dim = sizes.head_dim + 3,
                                               .scale = 0.2f,
                                               .norm_epsilon = 1e-5f};
  return std::make_unique<Deepseek2Model>(
      weights,
      Deepseek2Config{
          .vocabulary = kVocabulary,
          .layers = 3,
          .dense_layers = 1,
          .width = sizes.width,
          .hidden = sizes.hidden,
          .trained_context = 4096,
          .norm_epsilon = 1e-5f,
          .attention = attention,
          .experts = {.width = sizes.width,
                      .hidden = sizes.hidden,
                      .shared_hidden = sizes.hidden,
                      .routing = {.experts = 8,
                                  .selected = 3,
                                  .gate = ExpertGate::kSigmoid,
                                  .normalized = true,
                                  .scale = 2.5f,
                                  .groups = 4,
                                  .selected_groups = 2,
                                  .group_score = GroupScore::kTwoLargest}},
          .rope = {.rotated = 6,
                   .position_scale = 0.025,
                   .yarn = YarnConfig{.original_context = 32}}});
}

std::unique_ptr<LanguageModel> MakeJamba(const Widths& sizes,
                                         WeightScope& weights) {
  JambaConfig config = {.vocabulary = kVocabulary,
                        .width = sizes.width,
                        .hidden = sizes.hidden,
                        .trained_context = 4096,
                        .norm_epsilon = 1e-5f,
                        .kv_heads = {0, sizes.kv_heads, 0, 0},
                        .mamba = MakeMamba(sizes),
                        .attention = MakeAttention(sizes),
                        .experts = MakeExperts(sizes)};
  config.mamba.dt_b_c_norms = nn::DtBcNorms::kLearned;
  config.attention.rope = -1;
  config.experts.routing.normalized = false;
  return std::make_unique<JambaModel>(weights, config);
}

// Tensors that a model has only if its file does.
std::vector<std::string> OptionalTensors(TinyKind kind) {
  switch (kind) {
    case TinyKind::kDeepseek2:
      return {"blk.1.exp_probs_b.bias", "blk.2.attn_kv_b.weight"};
    case TinyKind::kJamba:
      return {"blk.1.ffn_gate_inp.weight", "blk.3.ffn_gate_inp.weight"};
    default:
      return {};
  }
}

std::unique_ptr<LanguageModel> Make(TinyKind kind, const Widths& sizes,
                                    WeightScope& weights) {
  const RopeConfig rope = {.rotated = sizes.head_dim};
  switch (kind) {
    case TinyKind::kMamba:
      return std::make_unique<MambaModel>(
          weights, MambaModelConfig{.vocabulary = kVocabulary,
                                    .layers = 3,
                                    .width = sizes.width,
                                    .trained_context = 4096,
                                    .norm_epsilon = 1e-5f,
                                    .mixer = MakeMamba(sizes)});
    case TinyKind::kMamba2:
      return std::make_unique<Mamba2Model>(
          weights, Mamba2ModelConfig{.vocabulary = kVocabulary,
                                     .layers = 3,
                                     .width = sizes.width,
                                     .trained_context = 4096,
                                     .norm_epsilon = 1e-5f,
                                     .mixer = MakeMamba2(sizes)});
    case TinyKind::kLlama:
      return std::make_unique<LlamaModel>(
          weights, LlamaConfig{.vocabulary = kVocabulary,
                               .layers = 2,
                               .width = sizes.width,
                               .hidden = sizes.hidden,
                               .trained_context = 4096,
                               .norm_epsilon = 1e-5f,
                               .attention = MakeAttention(sizes),
                               .rope = rope});
    case TinyKind::kMixtral:
      return std::make_unique<LlamaModel>(
          weights, LlamaConfig{.vocabulary = kVocabulary,
                               .layers = 2,
                               .width = sizes.width,
                               .trained_context = 4096,
                               .norm_epsilon = 1e-5f,
                               .attention = MakeAttention(sizes),
                               .experts = MakeExperts(sizes),
                               .rope = rope});
    case TinyKind::kDeepseek2:
      return MakeDeepseek2(sizes, weights);
    case TinyKind::kJamba:
      return MakeJamba(sizes, weights);
    case TinyKind::kHybrid:
      return std::make_unique<HybridModel>(
          weights, HybridConfig{.vocabulary = kVocabulary,
                                .layers = 4,
                                .width = sizes.width,
                                .hidden = sizes.hidden,
                                .mamba = MakeMamba(sizes),
                                .attention = MakeAttention(sizes),
                                .rope = rope});
  }
  BRAID_CHECK(false);
}

}  // namespace

std::string ToText(TinyKind kind) {
  switch (kind) {
    case TinyKind::kMamba:
      return "mamba";
    case TinyKind::kMamba2:
      return "mamba2";
    case TinyKind::kLlama:
      return "llama";
    case TinyKind::kMixtral:
      return "mixtral";
    case TinyKind::kDeepseek2:
      return "deepseek2";
    case TinyKind::kJamba:
      return "jamba";
    case TinyKind::kHybrid:
      return "hybrid";
  }
  BRAID_CHECK(false);
}

std::shared_ptr<const LoadedModel> MakeTinyModel(TinyKind kind,
                                                 DType matrix_type) {
  ThreadPool threads(1);
  auto source =
      std::make_unique<RandomSource>(kSeed, matrix_type, OptionalTensors(kind));
  WeightScope weights(*source, threads);
  std::unique_ptr<LanguageModel> model =
      Make(kind, WidthsFor(matrix_type), weights);
  BRAID_CHECK(weights.status().ok());
  return std::make_shared<const LoadedModel>(std::move(source),
                                             std::move(model));
}

}  // namespace braid
