#include "models/falcon_h1.h"

#include "base/try.h"
#include "models/config_reader.h"
#include "models/mamba2.h"
#include "models/transformer_config.h"

namespace braid {

namespace {

nn::RmsNorm MakeMlpNorm(WeightScope& w, const FalconH1Config& config) {
  const char* name = w.Has("ffn_norm") ? "ffn_norm" : "ffn_norm.weight";
  return nn::RmsNorm(w.Vector(name, {config.shape.width}, Role::kScale),
                     config.shape.norm_epsilon);
}

}  // namespace

Result<FalconH1Config> FalconH1Config::Read(ConfigReader& reader) {
  FalconH1Config config;
  config.shape = ReadShape(reader);
  config.hidden = reader.Count("feed_forward_length");
  BRAID_TRY(reader.status());
  config.attention =
      ReadAttention(reader, config.shape.width, config.shape.layers).front();
  config.rope = ReadRope(reader, config.attention.key_dim, RopePairs::kHalves);
  config.mamba =
      ReadMamba2(reader, config.shape.width, config.shape.norm_epsilon);
  config.mamba.optional_parts = true;
  BRAID_TRY(reader.status());
  return config;
}

Rows ParallelMixers::operator()(Pass& pass, ConstRows x) const {
  const Rows y = mamba(pass, x);
  ops::AddInto(pass.compute, y, attention(pass, x));
  return y;
}

LayerSpec ParallelMixers::Memory(DType kv_type) const {
  LayerSpec both = mamba.Memory();
  both.page = attention.Memory(kv_type).page;
  return both;
}

FalconH1Model::FalconH1Model(WeightScope& w, const FalconH1Config& config)
    : Decoder(w, config.shape, {.ropes = {config.rope}}, [&](LayerScope& blk) {
        return Layer{
            blk.Branch("attn_norm",
                       ParallelMixers{
                           nn::Attention(blk.w, config.attention, blk.layer),
                           nn::Mamba2Mixer(blk.w, config.mamba, blk.layer)}),
            nn::Branch<nn::GatedMlp>{
                MakeMlpNorm(blk.w, config),
                nn::GatedMlp(blk.w, width(), config.hidden)}};
      }) {}

}  // namespace braid
