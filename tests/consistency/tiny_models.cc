#include "tests/consistency/tiny_models.h"

#include <cmath>

#include "base/check.h"
#include "base/thread_pool.h"
#include "models/bert.h"
#include "models/deepseek2.h"
#include "models/falcon_h1.h"
#include "models/gemma.h"
#include "models/granite_hybrid.h"
#include "models/jamba.h"
#include "models/lfm2.h"
#include "models/llama.h"
#include "models/mamba.h"
#include "models/mamba2.h"
#include "models/nemotron_h.h"
#include "models/openelm.h"
#include "models/qwen.h"
#include "models/qwen35.h"
#include "models/rwkv6.h"
#include "models/rwkv7.h"
#include "models/t5.h"
#include "models/t5_encoder.h"
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

ModelShape MakeShape(const Widths& sizes, int layers) {
  return {.vocabulary = kVocabulary,
          .layers = layers,
          .width = sizes.width,
          .trained_context = 4096,
          .norm_epsilon = 1e-5f};
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

// Convolutions and attention in turns.
std::vector<nn::AttentionConfig> MakeLfm2Attention(const Widths& sizes) {
  nn::AttentionConfig attends = MakeAttention(sizes);
  attends.head_norms = true;
  attends.norm_epsilon = 1e-5f;
  nn::AttentionConfig convolves = attends;
  convolves.kv_heads = 0;
  return {convolves, attends, convolves, attends};
}

// Three heads, or two.
nn::Rwkv6Config MakeRwkv6(const Widths& sizes) {
  return {.width = sizes.width,
          .head_size = sizes.width == 36 ? 12 : sizes.width / 2,
          .hidden = sizes.hidden,
          .mix_rank = 5,
          .decay_rank = 7};
}

nn::Rwkv7Config MakeRwkv7(const Widths& sizes) {
  return {.width = sizes.width,
          .head_size = sizes.width == 36 ? 12 : sizes.width / 2,
          .hidden = sizes.hidden,
          .decay_rank = 5,
          .rate_rank = 6,
          .residual_rank = 3,
          .gate_rank = 9};
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
          .shape = MakeShape(sizes, 3),
          .dense_layers = 1,
          .hidden = sizes.hidden,
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

// Attention without rotation in one of `layers` layers.
std::vector<nn::AttentionConfig> MakeSomeAttention(const Widths& sizes,
                                                   int layers, int which) {
  nn::AttentionConfig attention = MakeAttention(sizes);
  attention.rope = -1;
  attention.kv_heads = 0;
  std::vector<nn::AttentionConfig> configs(layers, attention);
  configs[which].kv_heads = sizes.kv_heads;
  return configs;
}

std::unique_ptr<LanguageModel> MakeGraniteHybrid(const Widths& sizes,
                                                 WeightScope& weights) {
  GraniteHybridConfig config = {.shape = MakeShape(sizes, 3),
                                .hidden = sizes.hidden,
                                .embedding_scale = 12,
                                .residual_scale = 0.22f,
                                .logit_scale = 1 / 3.0f,
                                .mamba = MakeMamba2(sizes),
                                .attention = MakeSomeAttention(sizes, 3, 1),
                                .experts = MakeExperts(sizes),
                                .rope = {.rotated = 2}};
  config.attention[1].rope = 0;
  config.experts.shared_hidden = sizes.hidden;
  return std::make_unique<GraniteHybridModel>(weights, config);
}

std::unique_ptr<LanguageModel> MakeNemotronH(const Widths& sizes,
                                             WeightScope& weights) {
  return std::make_unique<NemotronHModel>(
      weights, NemotronHConfig{.shape = MakeShape(sizes, 4),
                               .mamba = MakeMamba2(sizes),
                               .attention = MakeSomeAttention(sizes, 4, 2),
                               .hidden = {0, sizes.hidden, 0, sizes.hidden}});
}

std::unique_ptr<LanguageModel> MakeJamba(const Widths& sizes,
                                         WeightScope& weights) {
  JambaConfig config = {.shape = MakeShape(sizes, 4),
                        .hidden = sizes.hidden,
                        .mamba = MakeMamba(sizes),
                        .attention = MakeSomeAttention(sizes, 4, 1),
                        .experts = MakeExperts(sizes)};
  config.mamba.dt_b_c_norms = nn::DtBcNorms::kLearned;
  config.experts.routing.normalized = false;
  return std::make_unique<JambaModel>(weights, config);
}

std::unique_ptr<LanguageModel> MakeQwen(const Widths& sizes, bool head_norms,
                                        WeightScope& weights) {
  QwenConfig config = {
      .shape = MakeShape(sizes, 2),
      .hidden = sizes.hidden,
      .attention = {2, MakeAttention(sizes)},
      .rope = {.rotated = sizes.head_dim, .pairs = RopePairs::kHalves}};
  for (nn::AttentionConfig& attention : config.attention) {
    attention.head_norms = head_norms;
    attention.norm_epsilon = 1e-5f;
  }
  return std::make_unique<QwenModel>(weights, config);
}

// Three times as many value heads as key heads; the third layer attends, its
// heads turned by half.
std::unique_ptr<LanguageModel> MakeQwen35(const Widths& sizes, bool moe,
                                          WeightScope& weights) {
  Qwen35Config config = {
      .shape = MakeShape(sizes, 4),
      .hidden = sizes.hidden,
      .delta = {.width = sizes.width,
                .shape = {.heads = 6,
                          .key_heads = 2,
                          .key_dim = 9,
                          .value_dim = sizes.inner,
                          .order = HeadOrder::kTiled},
                .taps = 4,
                .norm_epsilon = 1e-6f},
      .attention = MakeSomeAttention(sizes, 4, 2),
      .experts = {},
      .rope = {.rotated = sizes.head_dim / 4 * 2, .pairs = RopePairs::kHalves}};
  nn::AttentionConfig& attends = config.attention[2];
  attends.rope = 0;
  attends.head_norms = true;
  attends.output_gate = true;
  attends.norm_epsilon = 1e-6f;
  if (moe) {
    config.experts = MakeExperts(sizes);
    config.experts.shared_hidden = sizes.hidden;
  }
  return std::make_unique<Qwen35Model>(weights, config);
}

// Soft caps and windows of less and more than a page, or norms of the heads
// and two rotations.
std::unique_ptr<LanguageModel> MakeGemma(const Widths& sizes, bool caps,
                                         WeightScope& weights) {
  const RopeConfig rope = {.rotated = sizes.head_dim,
                           .pairs = RopePairs::kHalves};
  GemmaConfig config = {.shape = MakeShape(sizes, 3),
                        .hidden = sizes.hidden,
                        .logit_cap = caps ? 30.0f : 0.0f,
                        .attention = {3, MakeAttention(sizes)},
                        .ropes = {rope, rope}};
  config.ropes[0].base = 1e6;
  config.attention[0].window = 7;
  config.attention[1].window = 40;
  for (nn::AttentionConfig& attention : config.attention) {
    attention.soft_cap = caps ? 2.0f : 0.0f;
    attention.head_norms = !caps;
    attention.norm_epsilon = 1e-5f;
    attention.rope = !caps && attention.window > 0 ? 1 : 0;
  }
  return std::make_unique<GemmaModel>(weights, config);
}

std::unique_ptr<LanguageModel> MakeOpenElm(const Widths& sizes,
                                           WeightScope& weights) {
  OpenElmConfig config = {
      .shape = MakeShape(sizes, 2),
      .hidden = {sizes.hidden, 2 * sizes.hidden},
      .attention = {2, MakeAttention(sizes)},
      .rope = {.rotated = sizes.head_dim, .pairs = RopePairs::kHalves}};
  config.attention[0].kv_heads = 1;
  for (nn::AttentionConfig& attention : config.attention) {
    attention.head_norms = true;
    attention.norm_epsilon = 1e-5f;
  }
  return std::make_unique<OpenElmModel>(weights, config);
}

std::unique_ptr<LanguageModel> MakeBert(const Widths& sizes, bool nomic,
                                        WeightScope& weights) {
  BertConfig config = {.shape = MakeShape(sizes, 2),
                       .token_types = 2,
                       .hidden = sizes.hidden,
                       .classes = nomic ? 0 : 3,
                       .attention = MakeAttention(sizes)};
  config.shape.trained_context = 100;
  config.shape.norm_epsilon = 1e-12f;
  config.attention.kv_heads = sizes.heads;
  config.attention.rope = nomic ? 0 : -1;
  if (nomic) {
    config.rope =
        RopeConfig{.rotated = sizes.head_dim, .pairs = RopePairs::kHalves};
  }
  return std::make_unique<BertModel>(weights, config);
}

ModelShape MakeT5Shape(const Widths& sizes, int layers) {
  ModelShape shape = MakeShape(sizes, layers);
  shape.trained_context = 512;
  shape.norm_epsilon = 1e-6f;
  return shape;
}

// Layer 1 has a bias of its own and a gated MLP.
nn::T5StackConfig MakeT5Stack(const Widths& sizes) {
  nn::T5StackConfig stack = {.layers = 3,
                             .hidden = sizes.hidden,
                             .buckets = 32,
                             .norm_epsilon = 1e-6f,
                             .attention = MakeAttention(sizes)};
  stack.attention.kv_heads = sizes.heads;
  stack.attention.scale = 1.0f;
  stack.attention.rope = -1;
  return stack;
}

// Tensors that a model has only if its file does.
std::vector<std::string> OptionalTensors(TinyKind kind) {
  switch (kind) {
    case TinyKind::kDeepseek2:
      return {"blk.1.exp_probs_b.bias", "blk.2.attn_kv_b.weight"};
    case TinyKind::kQwen2:
      return {"blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.0.attn_v.bias",
              "blk.1.attn_q.bias", "blk.1.attn_k.bias", "blk.1.attn_v.bias"};
    case TinyKind::kOpenElm:
      return {"blk.0.attn_qkv.weight", "blk.1.attn_qkv.weight"};
    case TinyKind::kNomicBert:
      return {"blk.0.attn_qkv.weight", "blk.1.attn_qkv.weight"};
    case TinyKind::kT5Encoder:
    case TinyKind::kT5:
      return {"enc.blk.1.ffn_gate.weight", "enc.blk.1.attn_rel_b.weight"};
    case TinyKind::kQwen35Moe:
      return {"blk.1.ffn_gate_inp_shexp.weight",
              "blk.2.ffn_gate_inp_shexp.weight"};
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
          weights, MambaModelConfig{.shape = MakeShape(sizes, 3),
                                    .mixer = MakeMamba(sizes)});
    case TinyKind::kMamba2:
      return std::make_unique<Mamba2Model>(
          weights, Mamba2ModelConfig{.shape = MakeShape(sizes, 3),
                                     .mixer = MakeMamba2(sizes)});
    case TinyKind::kRwkv6:
      return std::make_unique<Rwkv6Model>(
          weights, Rwkv6ModelConfig{.shape = MakeShape(sizes, 3),
                                    .rescale_every = 2,
                                    .block = MakeRwkv6(sizes)});
    case TinyKind::kRwkv7:
      return std::make_unique<Rwkv7Model>(
          weights, Rwkv7ModelConfig{.shape = MakeShape(sizes, 3),
                                    .block = MakeRwkv7(sizes)});
    case TinyKind::kLfm2:
      return std::make_unique<Lfm2Model>(
          weights, Lfm2Config{.shape = MakeShape(sizes, 4),
                              .hidden = sizes.hidden,
                              .taps = 3,
                              .attention = MakeLfm2Attention(sizes),
                              .rope = rope});
    case TinyKind::kFalconH1:
      return std::make_unique<FalconH1Model>(
          weights, FalconH1Config{.shape = MakeShape(sizes, 2),
                                  .hidden = sizes.hidden,
                                  .attention = MakeAttention(sizes),
                                  .rope = rope,
                                  .mamba = MakeMamba2(sizes)});
    case TinyKind::kLlama:
      return std::make_unique<LlamaModel>(
          weights, LlamaConfig{.shape = MakeShape(sizes, 2),
                               .hidden = sizes.hidden,
                               .attention = {2, MakeAttention(sizes)},
                               .rope = rope});
    case TinyKind::kMixtral:
      return std::make_unique<LlamaModel>(
          weights, LlamaConfig{.shape = MakeShape(sizes, 2),
                               .attention = {2, MakeAttention(sizes)},
                               .experts = MakeExperts(sizes),
                               .rope = rope});
    case TinyKind::kDeepseek2:
      return MakeDeepseek2(sizes, weights);
    case TinyKind::kJamba:
      return MakeJamba(sizes, weights);
    case TinyKind::kGraniteHybrid:
      return MakeGraniteHybrid(sizes, weights);
    case TinyKind::kNemotronH:
      return MakeNemotronH(sizes, weights);
    case TinyKind::kQwen2:
      return MakeQwen(sizes, false, weights);
    case TinyKind::kQwen3:
      return MakeQwen(sizes, true, weights);
    case TinyKind::kQwen35:
      return MakeQwen35(sizes, false, weights);
    case TinyKind::kQwen35Moe:
      return MakeQwen35(sizes, true, weights);
    case TinyKind::kGemma2:
      return MakeGemma(sizes, true, weights);
    case TinyKind::kGemma3:
      return MakeGemma(sizes, false, weights);
    case TinyKind::kOpenElm:
      return MakeOpenElm(sizes, weights);
    case TinyKind::kBert:
      return MakeBert(sizes, false, weights);
    case TinyKind::kNomicBert:
      return MakeBert(sizes, true, weights);
    case TinyKind::kT5Encoder:
      return std::make_unique<T5EncoderModel>(
          weights, T5EncoderConfig{.shape = MakeT5Shape(sizes, 3),
                                   .stack = MakeT5Stack(sizes)});
    case TinyKind::kT5:
      return std::make_unique<T5Model>(weights,
                                       T5Config{.shape = MakeT5Shape(sizes, 2),
                                                .start_token = 0,
                                                .stack = MakeT5Stack(sizes)});
    case TinyKind::kHybrid:
      return std::make_unique<HybridModel>(
          weights, HybridConfig{.shape = MakeShape(sizes, 4),
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
    case TinyKind::kRwkv6:
      return "rwkv6";
    case TinyKind::kRwkv7:
      return "rwkv7";
    case TinyKind::kLfm2:
      return "lfm2";
    case TinyKind::kFalconH1:
      return "falcon_h1";
    case TinyKind::kLlama:
      return "llama";
    case TinyKind::kMixtral:
      return "mixtral";
    case TinyKind::kDeepseek2:
      return "deepseek2";
    case TinyKind::kJamba:
      return "jamba";
    case TinyKind::kGraniteHybrid:
      return "granite_hybrid";
    case TinyKind::kNemotronH:
      return "nemotron_h";
    case TinyKind::kQwen2:
      return "qwen2";
    case TinyKind::kQwen3:
      return "qwen3";
    case TinyKind::kQwen35:
      return "qwen35";
    case TinyKind::kQwen35Moe:
      return "qwen35moe";
    case TinyKind::kGemma2:
      return "gemma2";
    case TinyKind::kGemma3:
      return "gemma3";
    case TinyKind::kOpenElm:
      return "openelm";
    case TinyKind::kBert:
      return "bert";
    case TinyKind::kNomicBert:
      return "nomic_bert";
    case TinyKind::kT5Encoder:
      return "t5_encoder";
    case TinyKind::kT5:
      return "t5";
    case TinyKind::kHybrid:
      return "hybrid";
  }
  BRAID_CHECK(false);
}

std::shared_ptr<const LoadedModel> MakeTinyModel(TinyKind kind,
                                                 DType matrix_type,
                                                 WeightScope::Tensors tensors,
                                                 WeightUse* use) {
  ThreadPool threads(1);
  auto source =
      std::make_unique<RandomSource>(kSeed, matrix_type, OptionalTensors(kind));
  WeightScope weights(*source, threads, /*progress=*/{}, tensors);
  std::unique_ptr<LanguageModel> model =
      Make(kind, WidthsFor(matrix_type), weights);
  BRAID_CHECK(weights.status().ok());
  if (use != nullptr) *use = weights.use();
  return std::make_shared<const LoadedModel>(std::move(source),
                                             std::move(model));
}

}  // namespace braid
