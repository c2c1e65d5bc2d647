#include "models/nemotron_h.h"

#include <string>

#include "base/format.h"
#include "base/try.h"
#include "models/config_reader.h"
#include "models/hybrid_config.h"
#include "models/mamba2.h"
#include "nn/replay.h"
#include "ops/ops.h"

namespace braid {

namespace {

std::variant<nn::Mamba2Mixer, nn::Attention, nn::Mlp> MakePart(
    WeightScope& w, const NemotronHConfig& config, int layer) {
  const nn::AttentionConfig& attention = config.attention[layer];
  const int hidden = config.hidden[layer];
  if (attention.kv_heads > 0) return nn::Attention(w, attention, layer);
  if (hidden > 0) {
    return nn::Mlp(w, config.shape.width, hidden, Nonlinearity::kReluSquared);
  }
  return nn::Mamba2Mixer(w, config.mamba, layer);
}

// A mixer sees the pass, an MLP its rows alone.
template <class Mixer>
Rows Apply(const Mixer& mixer, Pass& pass, ConstRows x) {
  return mixer(pass, x);
}
Rows Apply(const nn::Mlp& mlp, Pass& pass, ConstRows x) {
  return mlp(pass.compute, x);
}

}  // namespace

Result<NemotronHConfig> NemotronHConfig::Read(ConfigReader& reader) {
  NemotronHConfig config;
  // Older files give the epsilon of the RMS norms under the other key.
  config.shape = ReadShape(
      reader, reader.Has(kRmsEpsilon) ? kRmsEpsilon : kLayerNormEpsilon);
  config.attention =
      ReadHybridAttention(reader, config.shape.width, config.shape.layers);
  config.hidden = reader.PerLayer("feed_forward_length", config.shape.layers);
  for (int i = 0; i < config.shape.layers; ++i) {
    const int kv_heads = config.attention[i].kv_heads;
    if (kv_heads == 0 || config.hidden[i] == 0) continue;
    reader.Refuse("feed_forward_length",
                  Format("{} in layer {}, which has {} KV heads",
                         config.hidden[i], i, kv_heads));
  }
  config.mamba =
      ReadMamba2(reader, config.shape.width, config.shape.norm_epsilon);
  BRAID_TRY(reader.status());
  return config;
}

NemotronHModel::NemotronHModel(WeightScope& w, const NemotronHConfig& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back({nn::RmsNorm(blk, "attn_norm", width(), norm_epsilon()),
                       MakePart(blk, config, i)});
  }
}

MemorySpec NemotronHModel::Memory(DType kv_type) const {
  MemorySpec spec;
  for (int i = 0; i < layers(); ++i) {
    const nn::AttentionConfig& attention = config_.attention[i];
    if (attention.kv_heads > 0) {
      spec.layers.push_back(nn::Attention::Memory(attention, kv_type));
    } else if (config_.hidden[i] > 0) {
      spec.layers.push_back({});  // an MLP remembers nothing
    } else {
      spec.layers.push_back(nn::Mamba2Mixer::Memory(config_.mamba));
    }
  }
  return spec;
}

Rows NemotronHModel::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, width}
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    const Rows normed = layer.norm(compute, x);
    ops::AddInto(
        compute, x,
        std::visit([&](const auto& part) { return Apply(part, pass, normed); },
                   layer.part));
  }
  return x;
}

void NemotronHModel::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    nn::ReplayState(layer.part, pass);
  }
}

void NemotronHModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
