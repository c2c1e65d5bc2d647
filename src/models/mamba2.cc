#include "models/mamba2.h"

#include <string>

#include "base/format.h"
#include "base/try.h"
#include "ops/ops.h"

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
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back({nn::RmsNorm(blk, "attn_norm", width(), norm_epsilon()),
                       nn::Mamba2Mixer(blk, config.mixer, i)});
  }
}

MemorySpec Mamba2Model::Memory(DType /*kv_type*/) const {
  return {std::vector<LayerSpec>(layers_.size(),
                                 nn::Mamba2Mixer::Memory(config_.mixer))};
}

Rows Mamba2Model::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, d}
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    ops::AddInto(compute, x, layer.mixer(pass, layer.norm(compute, x)));
  }
  return x;
}

void Mamba2Model::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    layer.mixer.Replay(pass);
  }
}

void Mamba2Model::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
