#include "models/mamba.h"

#include "base/try.h"
#include "models/config_reader.h"

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
    : Decoder(w, config.shape, {}, [&](LayerScope& blk) {
        return Layer{blk.Branch(
            "attn_norm", nn::MambaMixer(blk.w, config.mixer, blk.layer))};
      }) {}

}  // namespace braid
