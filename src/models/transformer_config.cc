#include "models/transformer_config.h"

#include <cmath>
#include <string>

#include "base/format.h"

namespace braid {

namespace {

// YaRN, section 3.4: the temperature of the softmax, put on queries and keys.
double Temperature(double factor, double slope) {
  return factor <= 1 ? 1.0 : 1.0 + 0.1 * slope * std::log(factor);
}

void ReadYarn(ConfigReader& reader, double factor, RopeConfig& rope) {
  const int trained = reader.Count("context_length");
  rope.yarn = ReadYarnRamp(
      reader, reader.Count("rope.scaling.original_context_length", trained));
  // The slope for all of the score, 0: none is taken off.
  const double all = reader.Number("rope.scaling.yarn_log_multiplier", 0.0);
  double temperature = Temperature(factor, 1.0);
  if (all != 0) temperature /= Temperature(factor, all);
  if (rope.yarn->extension == 0) temperature = 1.0;
  rope.magnitude = temperature * ReadYarnMagnitude(reader);
  if (!(rope.magnitude > 0)) {
    reader.Refuse("rope.scaling.yarn_log_multiplier",
                  Format("{} makes the magnitude {}", all, rope.magnitude));
  }
}

void ReadLongRope(ConfigReader& reader, RopeConfig& rope) {
  rope.magnitude = reader.Positive("rope.scaling.attn_factor", 1.0);
  rope.short_context = reader.Count("rope.scaling.original_context_length");
}

}  // namespace

YarnConfig ReadYarnRamp(ConfigReader& reader, int trained) {
  YarnConfig yarn;
  yarn.original_context = trained;
  yarn.beta_fast =
      reader.Positive("rope.scaling.yarn_beta_fast", yarn.beta_fast);
  yarn.beta_slow =
      reader.Positive("rope.scaling.yarn_beta_slow", yarn.beta_slow);
  // Below 0: not said.
  const double extension =
      reader.Number("rope.scaling.yarn_ext_factor", yarn.extension);
  if (extension >= 0) yarn.extension = extension;
  yarn.whole_pairs =
      reader.Flag("rope.scaling.yarn_truncate", yarn.whole_pairs);
  if (yarn.beta_fast < yarn.beta_slow) {
    reader.Refuse("rope.scaling.yarn_beta_fast",
                  Format("{} is less than yarn_beta_slow {}", yarn.beta_fast,
                         yarn.beta_slow));
  }
  return yarn;
}

double ReadYarnMagnitude(ConfigReader& reader) {
  return reader.Positive("rope.scaling.attn_factor", 1.0) *
         reader.Positive("rope.scaling.yarn_attn_factor", 1.0);
}

std::vector<nn::AttentionConfig> ReadAttention(ConfigReader& reader, int width,
                                               int layers) {
  const std::vector<int> heads =
      reader.PerLayer("attention.head_count", layers);
  const std::vector<int> kv_heads =
      reader.Has("attention.head_count_kv")
          ? reader.PerLayer("attention.head_count_kv", layers)
          : heads;
  std::vector<nn::AttentionConfig> configs;
  for (int i = 0; i < layers; ++i) {
    if (heads[i] < 1) {
      reader.Refuse("attention.head_count", "a layer has no heads");
      return std::vector<nn::AttentionConfig>(layers);
    }
    if (kv_heads[i] < 1 || heads[i] % kv_heads[i] != 0) {
      reader.Refuse(
          "attention.head_count_kv",
          Format("{} does not divide head_count {}", kv_heads[i], heads[i]));
    }
    const int head_dim = width / heads[i];
    nn::AttentionConfig& config = configs.emplace_back();
    config.width = width;
    config.heads = heads[i];
    config.kv_heads = kv_heads[i];
    config.key_dim = reader.Count("attention.key_length", head_dim);
    config.value_dim = reader.Count("attention.value_length", head_dim);
    config.scale = 1.0f / std::sqrt(static_cast<float>(config.key_dim));
    config.rope = 0;
  }
  return configs;
}

RopeConfig ReadRope(ConfigReader& reader, int head_dim, RopePairs pairs) {
  RopeConfig rope;
  rope.pairs = pairs;
  rope.rotated = reader.Count("rope.dimension_count", head_dim);
  rope.base = reader.Positive("rope.freq_base", 10000.0);
  const double factor = reader.Positive(
      "rope.scaling.factor", reader.Positive("rope.scale_linear", 1.0));
  const std::string scaling = reader.Text("rope.scaling.type", "linear");
  if (scaling == "linear" || scaling == "yarn") {
    rope.position_scale = 1.0 / factor;
  }
  if (scaling == "yarn") {
    ReadYarn(reader, factor, rope);
  } else if (scaling == "longrope") {
    ReadLongRope(reader, rope);
  } else if (scaling != "none" && scaling != "linear") {
    reader.Refuse("rope.scaling.type",
                  Format("\"{}\" is not supported; supported are none, linear, "
                         "yarn and longrope",
                         scaling));
  }
  if (rope.rotated > head_dim || rope.rotated % 2 != 0) {
    reader.Refuse("rope.dimension_count",
                  Format("{} must be even and at most the head size {}",
                         rope.rotated, head_dim));
  }
  return rope;
}

RopeConfig WithRopeFactors(WeightScope& w, RopeConfig rope) {
  const auto read = [&](std::string_view name) {
    return w.Vector(name, {rope.rotated / 2}, Role::kScale);
  };
  if (w.Has("rope_freqs.weight")) {
    rope.frequency_divisors = read("rope_freqs.weight");
  }
  if (rope.short_context == 0) return rope;
  rope.frequency_divisors = read("rope_factors_long.weight");
  rope.short_divisors = read("rope_factors_short.weight");
  return rope;
}

}  // namespace braid
