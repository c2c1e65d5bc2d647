#include "models/gemma.h"

#include <cmath>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/transformer_config.h"

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
    : Decoder(
          w, config.shape,
          {.ropes = config.ropes,
           .embedding_scale = std::sqrt(static_cast<float>(config.shape.width)),
           .logit_cap = config.logit_cap},
          [&](LayerScope& blk) {
            return Layer{
                blk.Branch("attn_norm",
                           nn::Attention(blk.w, config.attention[blk.layer],
                                         blk.layer),
                           "post_attention_norm"),
                blk.Branch("ffn_norm",
                           nn::GatedMlp(blk.w, width(), config.hidden,
                                        Nonlinearity::kGeluTanh),
                           "post_ffw_norm")};
          }) {}

}  // namespace braid
