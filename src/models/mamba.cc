#include "models/mamba.h"

#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "ops/ops.h"

namespace braid {

Result<MambaModelConfig> MambaModelConfig::Read(const gguf::File& file) {
  ConfigReader reader(file);
  MambaModelConfig config;
  config.vocabulary = reader.Vocabulary();
  config.layers = reader.Count("block_count");
  config.width = reader.Count("embedding_length");
  config.trained_context = reader.Count("context_length");
  config.norm_epsilon = reader.Epsilon("attention.layer_norm_rms_epsilon");
  config.mixer.width = config.width;
  config.mixer.inner = reader.Count("ssm.inner_size");
  config.mixer.state = reader.Count("ssm.state_size");
  config.mixer.taps = reader.Count("ssm.conv_kernel");
  config.mixer.dt_rank = reader.Count("ssm.time_step_rank");
  if (reader.Flag("ssm.dt_b_c_rms", false)) {
    config.mixer.dt_b_c_norms = nn::DtBcNorms::kPlain;
  }
  config.mixer.norm_epsilon = config.norm_epsilon;
  BRAID_TRY(reader.status());
  return config;
}

MambaModel::MambaModel(WeightScope& w, const MambaModelConfig& config)
    : config_(config),
      embedding_(w, config.width, config.vocabulary),
      head_(w, config.width, config.vocabulary, config.norm_epsilon) {
  for (int i = 0; i < config.layers && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back(
        {nn::RmsNorm(blk, "attn_norm", config.width, config.norm_epsilon),
         nn::MambaMixer(blk, config.mixer, i)});
  }
}

MemorySpec MambaModel::Memory(DType /*kv_type*/) const {
  return {std::vector<LayerSpec>(layers_.size(),
                                 nn::MambaMixer::Memory(config_.mixer))};
}

Rows MambaModel::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, D}
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    ops::AddInto(compute, x, layer.mixer(pass, layer.norm(compute, x)));
  }
  return x;
}

void MambaModel::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    layer.mixer.Replay(pass);
  }
}

void MambaModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
