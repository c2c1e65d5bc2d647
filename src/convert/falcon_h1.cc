// Falcon-H1 (TII 2025): attention and Mamba-2 side by side in every layer.
//
// Its maximal-update multipliers have no keys in GGUF: they are multiplied into
// the weights.
#include <algorithm>
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/families.h"
#include "convert/state_space.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

struct Mixer {
  int64_t inner;
  int64_t heads;
  int64_t groups;
  int64_t state;
};

Mixer ReadMixer(const HfConfig& config) {
  Mixer mixer;
  const int64_t width = config.Count("hidden_size");
  mixer.inner =
      config.Count("mamba_d_ssm", config.Count("mamba_expand", 2) * width);
  mixer.heads = config.Count("mamba_n_heads");
  mixer.groups = config.Count("mamba_n_groups", 1);
  mixer.state = config.Count("mamba_d_state", 256);
  return mixer;
}

void DescribeMixer(Recipe& recipe, const Mixer& mixer) {
  Metadata& metadata = recipe.metadata;
  metadata.Count(".ssm.conv_kernel", recipe.config.Count("mamba_d_conv", 4));
  metadata.Count(".ssm.inner_size", mixer.inner);
  metadata.Count(".ssm.state_size", mixer.state);
  metadata.Count(".ssm.time_step_rank", mixer.heads);
  metadata.Count(".ssm.group_count", mixer.groups);
}

// `count` factors, all 1 if the config has none.
std::vector<float> Factors(const HfConfig& config, std::string_view key,
                           size_t count) {
  if (!config.Has(key)) return std::vector<float>(count, 1.0f);
  const std::vector<double> numbers = config.Numbers(key);
  if (numbers.size() != count) {
    config.Fail({Format("config.json: {}: {} factors, expected {}", key,
                        numbers.size(), count)});
    return std::vector<float>(count, 1.0f);
  }
  return {numbers.begin(), numbers.end()};
}

void AddScaledRules(Recipe& recipe, const Mixer& mixer) {
  const HfConfig& config = recipe.config;
  TensorRules& rules = recipe.rules;
  const auto factor = [&config](std::string_view key) {
    return static_cast<float>(config.Number(key, 1.0));
  };
  const auto scaled = [&rules](std::string_view source, std::string_view target,
                               float by) {
    rules.Rename(source, target,
                 by == 1.0f ? Transforms{} : Transforms{Multiply(by)});
  };
  scaled("embed_tokens.weight", "token_embd.weight",
         factor("embedding_multiplier"));
  scaled("lm_head.weight", "output.weight", factor("lm_head_multiplier"));
  if (config.Flag("tie_word_embeddings", false)) {
    // With other factors the two are not the same matrix any more.
    scaled("embed_tokens.weight", "output.weight",
           factor("lm_head_multiplier"));
    rules.Skip("lm_head.weight");
  }
  const float attention = factor("attention_in_multiplier");
  scaled("layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight",
         attention);
  scaled("layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight",
         attention * factor("key_multiplier"));
  scaled("layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight",
         attention);
  scaled("layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight",
         factor("attention_out_multiplier"));
  const std::vector<float> mlp = Factors(config, "mlp_multipliers", 2);
  scaled("layers.{}.feed_forward.gate_proj.weight", "blk.{}.ffn_gate.weight",
         mlp[0]);
  scaled("layers.{}.feed_forward.up_proj.weight", "blk.{}.ffn_up.weight", 1.0f);
  scaled("layers.{}.feed_forward.down_proj.weight", "blk.{}.ffn_down.weight",
         mlp[1]);
  // Rows z, x, B, C, dt.
  const std::vector<float> in = Factors(config, "ssm_multipliers", 5);
  const float all = factor("ssm_in_multiplier");
  const int64_t shared = mixer.groups * mixer.state;
  rules.Rename("layers.{}.mamba.in_proj.weight", "blk.{}.ssm_in.weight",
               {MultiplyRows({{mixer.inner, all * in[0]},
                              {mixer.inner, all * in[1]},
                              {shared, all * in[2]},
                              {shared, all * in[3]},
                              {mixer.heads, all * in[4]}})});
  scaled("layers.{}.mamba.out_proj.weight", "blk.{}.ssm_out.weight",
         factor("ssm_out_multiplier"));
}

}  // namespace

void DescribeFalconH1(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  const bool norm_first = config.Flag("mamba_norm_before_gate", true);
  if (config.Flag("mamba_rms_norm", false) && norm_first) {
    config.Fail(
        {"config.json: mamba_norm_before_gate: true is not supported; "
         "readers of GGUF gate first"});
  }
  const Mixer mixer = ReadMixer(config);
  CheckInner(config, "mamba_d_head", mixer.heads, mixer.inner);
  CheckStepLimit(config);
  DescribeSizes(recipe);
  DescribeAttention(recipe);
  recipe.metadata.Count(".attention.key_length", HeadSize(config));
  recipe.metadata.Count(".attention.value_length", HeadSize(config));
  DescribeRope(recipe, HeadSize(config), {.base = 1e11});
  DescribeMixer(recipe, mixer);

  TensorRules& rules = recipe.rules;
  rules.StripPrefix("model.");
  AddScaledRules(recipe, mixer);
  AddMamba2StateRules(recipe, "layers.{}.mamba.", mixer.groups);
  rules.Rename("final_layernorm.weight", "output_norm.weight");
  rules.Rename("layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight");
  // Without ".weight": what readers of this architecture look for.
  rules.Rename("layers.{}.pre_ff_layernorm.weight", "blk.{}.ffn_norm");
}

}  // namespace braid::convert
