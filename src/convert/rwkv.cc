// RWKV-6 "Finch" and RWKV-7 "Goose" (Peng et al. 2024, 2025).
#include <cmath>
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/families.h"
#include "convert/state_space.h"

namespace braid::convert {

namespace {

// `module` of a checkpoint, with weight and bias.
void AddLinear(TensorRules& rules, std::string_view module,
               std::string_view target) {
  for (const std::string_view part : {".weight", ".bias"}) {
    rules.Rename(std::string(module) + std::string(part),
                 std::string(target) + std::string(part));
  }
}

// Vectors of {1, 1, width} or {width} below each other.
void AddFusedLerps(TensorRules& rules, const std::string& prefix,
                   const std::vector<std::string>& parts) {
  std::vector<std::string> names;
  for (const std::string& part : parts) names.push_back(prefix + part);
  rules.Join({names.begin(), names.end()}, "blk.{}.time_mix_lerp_fused.weight",
             {Reshape({1, 1, 1, -1})});
}

void DescribeCommon(Recipe& recipe, int64_t hidden, int64_t head_size) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  metadata.Count(".block_count", config.Count("num_hidden_layers"));
  metadata.Count(".context_length", kUnlimitedContext);
  metadata.Count(".embedding_length", config.Count("hidden_size"));
  metadata.Count(".feed_forward_length", hidden);
  metadata.Count(".attention.head_count", 0);
  metadata.Count(".wkv.head_size", head_size);
  metadata.Number(".attention.layer_norm_epsilon",
                  config.Number("layer_norm_epsilon|norm_eps", 1e-5));
}

void RefuseWidth(const HfConfig& config, std::string_view key, int64_t found,
                 int64_t width) {
  config.Fail({Format("config.json: {}: {} is not supported; supported is {}",
                      key, found, width)});
}

// Readers know one width.
void CheckWidth(const HfConfig& config, std::string_view key, int64_t width) {
  const int64_t found = config.Count(key, width);
  if (found != width) RefuseWidth(config, key, found, width);
}

void AddTimeMix6(Recipe& recipe, int64_t rescale_every) {
  TensorRules& rules = recipe.rules;
  const std::string at = "blocks.{}.attention.";
  const auto rename = [&](std::string_view source, std::string_view target,
                          const Transforms& transforms) {
    rules.Rename(at + std::string(source),
                 Format("blk.{}.time_mix_{}.weight", "{}", target), transforms);
  };
  rename("time_maa_x", "lerp_x", {Squeeze()});
  AddFusedLerps(
      rules, at,
      {"time_maa_w", "time_maa_k", "time_maa_v", "time_maa_r", "time_maa_g"});
  // {width, 5 ranks}, {5, rank, width}
  rename("time_maa_w1", "w1", {Transpose()});
  rename("time_maa_w2", "w2", {Permute({0, 2, 1})});
  rename("time_decay", "decay", {Squeeze()});
  rename("time_decay_w1", "decay_w1", {Transpose()});
  rename("time_decay_w2", "decay_w2", {Transpose()});
  rename("time_faaaa", "first", {});
  rename("receptance.weight", "receptance", {});
  rename("key.weight", "key", {});
  rename("value.weight", "value", {});
  rename("gate.weight", "gate", {});
  // What is added to the residual stream shrinks as the reader halves the
  // stream after every so many layers.
  const auto rescaled = [rescale_every](int64_t layer) -> Transforms {
    if (rescale_every == 0 || layer < rescale_every) return {};
    return {Multiply(static_cast<float>(
        std::exp2(-static_cast<double>(layer / rescale_every))))};
  };
  rules.RenameByLayer(at + "output.weight", "blk.{}.time_mix_output.weight",
                      rescaled);
  rules.RenameByLayer("blocks.{}.feed_forward.value.weight",
                      "blk.{}.channel_mix_value.weight", rescaled);
  AddLinear(rules, at + "ln_x", "blk.{}.time_mix_ln");
}

void AddTimeMix7(Recipe& recipe) {
  TensorRules& rules = recipe.rules;
  const std::string at = "layers.{}.attn.";
  const auto rename = [&rules](const std::string& source,
                               std::string_view target,
                               const Transforms& transforms = {}) {
    rules.Rename(source, Format("blk.{}.time_mix_{}.weight", "{}", target),
                 transforms);
  };
  AddFusedLerps(rules, at, {"x_r", "x_w", "x_k", "x_v", "x_a", "x_g"});
  // Small projections: an offset and two matrices.
  for (const std::string part : {"w", "a", "v", "g"}) {
    rename(Format("layers.{}.attn.{}_lora.lora.2.bias", "{}", part),
           part + "0");
    rename(Format("layers.{}.attn.{}_lora.lora.0.weight", "{}", part),
           part + "1");
    rename(Format("layers.{}.attn.{}_lora.lora.2.weight", "{}", part),
           part + "2");
  }
  // The first layer has no value residual, but readers look for its tensors,
  // and do not use them: any of the right shape do.
  rules.Skip("layers.0.attn.v_lora.*");
  rules.Rename("layers.0.attn.a_lora.lora.2.bias", "blk.0.time_mix_v0.weight");
  rules.Rename("layers.0.attn.a_lora.lora.0.weight",
               "blk.0.time_mix_v1.weight");
  rules.Rename("layers.0.attn.a_lora.lora.2.weight",
               "blk.0.time_mix_v2.weight");
  rename(at + "k_k", "k_k", {Squeeze()});
  rename(at + "k_a", "k_a", {Squeeze()});
  rename(at + "r_k", "r_k", {Reshape({-1})});
  rename(at + "r_proj.weight", "receptance");
  rename(at + "k_proj.weight", "key");
  rename(at + "v_proj.weight", "value");
  rename(at + "o_proj.weight", "output");
  AddLinear(rules, at + "g_norm", "blk.{}.time_mix_ln");
}

}  // namespace

void DescribeRwkv6(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t width = config.Count("hidden_size");
  const int64_t rescale_every = config.Count("rescale_every", 6);
  CheckWidth(config, "attention_hidden_size", width);
  DescribeCommon(recipe,
                 config.Count("intermediate_size", width * 7 / 2 / 32 * 32),
                 config.Count("head_size", 64));
  metadata.Count(".rescale_every_n_layers", rescale_every);
  // The ranks of the small projections follow from the width.
  metadata.Count(".time_mix_extra_dim", width == 4096 ? 64 : 32);
  metadata.Count(".time_decay_extra_dim", width == 4096 ? 128 : 64);

  TensorRules& rules = recipe.rules;
  rules.StripPrefix("rwkv.");
  rules.Rename("embeddings.weight", "token_embd.weight");
  AddLinear(rules, "blocks.0.pre_ln", "token_embd_norm");
  AddLinear(rules, "ln_out", "output_norm");
  rules.Rename("head.weight", "output.weight");
  AddLinear(rules, "blocks.{}.ln1", "blk.{}.attn_norm");
  AddLinear(rules, "blocks.{}.ln2", "blk.{}.attn_norm_2");
  AddTimeMix6(recipe, rescale_every);
  rules.Rename("blocks.{}.feed_forward.time_maa_k",
               "blk.{}.channel_mix_lerp_k.weight", {Squeeze()});
  rules.Rename("blocks.{}.feed_forward.time_maa_r",
               "blk.{}.channel_mix_lerp_r.weight", {Squeeze()});
  rules.Rename("blocks.{}.feed_forward.key.weight",
               "blk.{}.channel_mix_key.weight");
  rules.Rename("blocks.{}.feed_forward.receptance.weight",
               "blk.{}.channel_mix_receptance.weight");
}

void DescribeRwkv7(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t width = config.Count("hidden_size");
  const int64_t hidden =
      ToCount(config.Number("hidden_ratio", 4.0) * static_cast<double>(width));
  const int64_t heads = config.Count("num_heads", 0);
  const int64_t head_size =
      config.Count("head_dim", heads == 0 ? 64 : width / heads);
  DescribeCommon(recipe,
                 config.Count("intermediate_size", (hidden + 31) / 32 * 32),
                 head_size);
  if (config.Get("value_dim").IsArray()) {
    for (const int64_t value : config.Counts("value_dim")) {
      if (value != width) RefuseWidth(config, "value_dim", value, width);
    }
  } else {
    CheckWidth(config, "value_dim", width);
  }
  metadata.Count(".attention.decay_lora_rank",
                 config.Count("decay_low_rank_dim"));
  metadata.Count(".attention.iclr_lora_rank", config.Count("a_low_rank_dim"));
  metadata.Count(".attention.value_residual_mix_lora_rank",
                 config.Count("v_low_rank_dim"));
  metadata.Count(".attention.gate_lora_rank",
                 config.Count("gate_low_rank_dim"));

  TensorRules& rules = recipe.rules;
  rules.StripPrefix("model.");
  rules.Rename("embeddings.weight", "token_embd.weight");
  AddLinear(rules, "layers.0.pre_norm", "token_embd_norm");
  AddLinear(rules, "norm", "output_norm");
  rules.Rename("lm_head.weight", "output.weight");
  AddLinear(rules, "layers.{}.attn_norm", "blk.{}.attn_norm");
  AddLinear(rules, "layers.{}.ffn_norm", "blk.{}.attn_norm_2");
  AddTimeMix7(recipe);
  rules.Rename("layers.{}.ffn.x_k", "blk.{}.channel_mix_lerp_k.weight",
               {Squeeze()});
  rules.Rename("layers.{}.ffn.key.weight", "blk.{}.channel_mix_key.weight");
  rules.Rename("layers.{}.ffn.value.weight", "blk.{}.channel_mix_value.weight");
}

}  // namespace braid::convert
