#include "models/gemma.h"

#include <cmath>
#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/transformer_config.h"
#include "ops/ops.h"

namespace braid {

namespace {

// Indices of Gemma 3's rotations.
constexpr int kGlobal = 0;
constexpr int kLocal = 1;

// What tells the generations apart and no key says.
struct Generation {
  // Of so many layers the last sees everything, the others a window.
  int window_pattern;
  int window;  // where the file has no key; 0: none
  // The largest model of each, known by its layers, divides queries by
  // sqrt(d / n_heads) instead of sqrt(d_head).
  int layers_27b;
  bool head_norms;
  bool local_rope;
};

constexpr Generation kGemma2 = {.window_pattern = 2,
                                .window = 4096,
                                .layers_27b = 46,
                                .head_norms = false,
                                .local_rope = false};
constexpr Generation kGemma3 = {.window_pattern = 6,
                                .window = 0,
                                .layers_27b = 62,
                                .head_norms = true,
                                .local_rope = true};

void ReadLayers(ConfigReader& reader, const Generation& generation,
                GemmaConfig& config) {
  config.attention =
      ReadAttention(reader, config.shape.width, config.shape.layers);
  const int window =
      reader.Count("attention.sliding_window", generation.window);
  const auto soft_cap =
      static_cast<float>(reader.Number("attn_logit_softcapping", 0.0));
  for (int i = 0; i < config.shape.layers; ++i) {
    nn::AttentionConfig& attention = config.attention[i];
    const bool windowed =
        window > 0 && (i + 1) % generation.window_pattern != 0;
    if (windowed) attention.window = window;
    attention.rope = windowed && generation.local_rope ? kLocal : kGlobal;
    attention.soft_cap = soft_cap;
    attention.head_norms = generation.head_norms;
    attention.norm_epsilon = config.shape.norm_epsilon;
    if (config.shape.layers == generation.layers_27b) {
      attention.scale =
          1.0f / std::sqrt(static_cast<float>(config.shape.width) /
                           static_cast<float>(attention.heads));
    }
  }
}

void ReadRopes(ConfigReader& reader, const Generation& generation,
               GemmaConfig& config) {
  const int head_dim = config.attention.front().key_dim;
  config.ropes = {ReadRope(reader, head_dim, RopePairs::kHalves)};
  if (!generation.local_rope) return;
  RopeConfig local;
  local.rotated = config.ropes[kGlobal].rotated;
  local.base = reader.Positive("rope.freq_base_swa", 10000.0);
  local.pairs = RopePairs::kHalves;
  config.ropes.push_back(local);
}

Result<GemmaConfig> ReadGemma(ConfigReader& reader,
                              const Generation& generation) {
  GemmaConfig config;
  config.shape = ReadShape(reader);
  config.hidden = reader.Count("feed_forward_length");
  config.logit_cap =
      static_cast<float>(reader.Number("final_logit_softcapping", 0.0));
  if (reader.Count("attention.sliding_window_pattern",
                   generation.window_pattern) != generation.window_pattern) {
    reader.Refuse("attention.sliding_window_pattern",
                  "is not that of the published models");
  }
  BRAID_TRY(reader.status());
  ReadLayers(reader, generation, config);
  BRAID_TRY(reader.status());
  ReadRopes(reader, generation, config);
  BRAID_TRY(reader.status());
  return config;
}

}  // namespace

Result<GemmaConfig> Gemma2Config::Read(ConfigReader& reader) {
  return ReadGemma(reader, kGemma2);
}

Result<GemmaConfig> Gemma3Config::Read(ConfigReader& reader) {
  return ReadGemma(reader, kGemma3);
}

GemmaModel::GemmaModel(WeightScope& w, const GemmaConfig& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    const auto norm = [&](std::string_view name) {
      return nn::RmsNorm(blk, name, width(), norm_epsilon());
    };
    layers_.push_back(
        {norm("attn_norm"), nn::Attention(blk, config.attention[i], i),
         norm("post_attention_norm"), norm("ffn_norm"),
         nn::GatedMlp(blk, width(), config.hidden, Nonlinearity::kGeluTanh),
         norm("post_ffw_norm")});
  }
}

MemorySpec GemmaModel::Memory(DType kv_type) const {
  return nn::Attention::Memory(config_.attention, kv_type);
}

Rows GemmaModel::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, d}
  ops::ScaleInto(compute, std::sqrt(static_cast<float>(width())), x);
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    const Rows attended =
        layer.attention(pass, layer.attention_norm(compute, x));
    ops::AddInto(compute, x, layer.after_attention_norm(compute, attended));
    const Rows fed = layer.mlp(compute, layer.mlp_norm(compute, x));
    ops::AddInto(compute, x, layer.after_mlp_norm(compute, fed));
  }
  return x;
}

void GemmaModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
  if (config_.logit_cap > 0) {
    ops::SoftCapInto(compute, config_.logit_cap, logits);
  }
}

}  // namespace braid
