#include "tests/consistency/hybrid_model.h"

#include <string>

#include "nn/replay.h"
#include "ops/ops.h"

namespace braid {

namespace {

bool Attends(int layer) { return layer % 2 == 1; }

std::variant<nn::MambaMixer, nn::Attention> MakeMixer(
    WeightScope& w, const HybridConfig& config, int layer) {
  if (Attends(layer)) return nn::Attention(w, config.attention, layer);
  return nn::MambaMixer(w, config.mamba, layer);
}

}  // namespace

HybridModel::HybridModel(WeightScope& w, const HybridConfig& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  for (int i = 0; i < layers(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back({nn::RmsNorm(blk, "attn_norm", width(), norm_epsilon()),
                       MakeMixer(blk, config, i),
                       nn::RmsNorm(blk, "ffn_norm", width(), norm_epsilon()),
                       nn::GatedMlp(blk, width(), config.hidden)});
  }
}

MemorySpec HybridModel::Memory(DType kv_type) const {
  MemorySpec spec;
  for (int i = 0; i < layers(); ++i) {
    spec.layers.push_back(
        Attends(i) ? nn::Attention::Memory(config_.attention, kv_type)
                   : nn::MambaMixer::Memory(config_.mamba));
  }
  return spec;
}

Rows HybridModel::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    const Rows normed = layer.mixer_norm(compute, x);
    const Rows mixed = std::visit(
        [&](const auto& mixer) { return mixer(pass, normed); }, layer.mixer);
    ops::AddInto(compute, x, mixed);
    ops::AddInto(compute, x, layer.mlp(compute, layer.mlp_norm(compute, x)));
  }
  return x;
}

void HybridModel::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    nn::ReplayState(layer.mixer, pass);
  }
}

void HybridModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
