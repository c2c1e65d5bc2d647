#include "models/mamba2.h"

#include "base/format.h"
#include "base/try.h"

namespace braid {

namespace {
constexpr int64_t kMostChannels = int64_t{1} << 24;
}  // namespace

nn::Mamba2Config ReadMamba2(ConfigReader& reader, int width,
                            float norm_epsilon) {
  nn::Mamba2Config config;
  config.width = width;
  config.inner = reader.Count("ssm.inner_size");
  config.state = reader.Count("ssm.state_size");
  config.taps = reader.Count("ssm.conv_kernel");
  config.heads = reader.Count("ssm.time_step_rank");
  config.groups = reader.Count("ssm.group_count", 1);
  config.norm_epsilon = norm_epsilon;
  if (config.inner % config.heads != 0) {
    reader.Refuse("ssm.time_step_rank",
                  Format("{} heads do not divide ssm.inner_size {}",
                         config.heads, config.inner));
  }
  if (config.heads % config.groups != 0) {
    reader.Refuse("ssm.group_count",
                  Format("{} does not divide the {} heads of "
                         "ssm.time_step_rank",
                         config.groups, config.heads));
  }
  const int64_t channels =
      config.inner + 2 * int64_t{config.groups} * config.state;
  if (channels > kMostChannels) {
    reader.Refuse("ssm.state_size",
                  Format("{} channels of inner_size, B and C are more than {}",
                         channels, kMostChannels));
  }
  return config;
}

Result<Mamba2ModelConfig> Mamba2ModelConfig::Read(ConfigReader& reader) {
  Mamba2ModelConfig config;
  config.shape = ReadShape(reader);
  config.mixer =
      ReadMamba2(reader, config.shape.width, config.shape.norm_epsilon);
  BRAID_TRY(reader.status());
  return config;
}

Mamba2Model::Mamba2Model(WeightScope& w, const Mamba2ModelConfig& config)
    : Decoder(w, config.shape, {}, [&](LayerScope& blk) {
        return Layer{blk.Branch(
            "attn_norm", nn::Mamba2Mixer(blk.w, config.mixer, blk.layer))};
      }) {}

}  // namespace braid
