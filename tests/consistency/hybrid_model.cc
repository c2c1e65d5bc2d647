#include "tests/consistency/hybrid_model.h"

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
    : Decoder(w, config.shape, {.ropes = {config.rope}}, [&](LayerScope& blk) {
        return Layer{
            blk.Branch("attn_norm", MakeMixer(blk.w, config, blk.layer)),
            blk.Branch("ffn_norm",
                       nn::GatedMlp(blk.w, width(), config.hidden))};
      }) {}

}  // namespace braid
