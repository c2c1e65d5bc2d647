#include "models/mamba.h"

#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "ops/ops.h"

namespace braid {

nn::MambaConfig ReadMamba(ConfigReader& reader, int width, float norm_epsilon) {
  nn::MambaConfig config;
  config.width = width;
  config.inner = reader.Count("ssm.inner_size");
  config.state = reader.Count("ssm.state_size");
  config.taps = reader.Count("ssm.conv_kernel");
  config.dt_rank = reader.Count("ssm.time_step_rank");
  config.norm_epsilon = norm_epsilon;
  return config;
}

Result<MambaModelConfig> MambaModelConfig::Read(ConfigReader& reader) {
  MambaModelConfig config;
  config.shape = ReadShape(reader);
  config.mixer =
      ReadMamba(reader, config.shape.width, config.shape.norm_epsilon);
  if (reader.Flag("ssm.dt_b_c_rms", false)) {
    config.mixer.dt_b_c_norms = nn::DtBcNorms::kPlain;
    // Braid's own key: others take that of the layers' norms.
    constexpr std::string_view kOwn = "ssm.dt_b_c_rms_epsilon";
    if (reader.Has(kOwn)) config.mixer.norm_epsilon = reader.Epsilon(kOwn);
  }
  BRAID_TRY(reader.status());
  return config;
}

MambaModel::MambaModel(WeightScope& w, const MambaModelConfig& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back({nn::RmsNorm(blk, "attn_norm", width(), norm_epsilon()),
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
