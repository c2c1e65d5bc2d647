// DeepSeek-V2 and -V3: latent attention (MLA), routed and shared experts.
#include <algorithm>
#include <string>

#include "base/format.h"
#include "convert/families.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

// Values of A.expert_gating_func.
enum Gating { kSoftmax = 1, kSigmoid = 2 };

// The latent of all heads is what is cached, so readers see one KV head.
void DescribeLatentAttention(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t rank = config.Count("kv_lora_rank");
  const int64_t rope = config.Count("qk_rope_head_dim");
  metadata.Count(".attention.head_count", config.Count("num_attention_heads"));
  metadata.Count(".attention.head_count_kv", 1);
  metadata.Number(".attention.layer_norm_rms_epsilon",
                  config.Number("rms_norm_eps", 1e-6));
  metadata.Count(".attention.key_length", rank + rope);
  metadata.Count(".attention.value_length", rank);
  metadata.Count(".attention.key_length_mla",
                 config.Count("qk_nope_head_dim") + rope);
  metadata.Count(".attention.value_length_mla", config.Count("v_head_dim"));
  metadata.Count(".attention.kv_lora_rank", rank);
  if (config.Has("q_lora_rank")) {
    metadata.Count(".attention.q_lora_rank", config.Count("q_lora_rank"));
  }
  DescribeRope(recipe, rope, {.readers_add_temperature = false});
  // What this one adds is on the whole score.
  const double slope = config.Number(
      "rope_parameters.mscale_all_dim|rope_scaling.mscale_all_dim", 0);
  if (slope != 0) {
    metadata.Number(".rope.scaling.yarn_log_multiplier", 0.1 * slope);
  }
}

// What is said twice must be the same.
void CheckLatentSizes(const HfConfig& config) {
  struct Size {
    std::string_view key;
    int64_t expected;
  };
  const int64_t rope = config.Count("qk_rope_head_dim");
  for (const auto& [key, expected] :
       {Size{"num_key_value_heads", config.Count("num_attention_heads")},
        Size{"head_dim", rope},
        Size{"qk_head_dim", config.Count("qk_nope_head_dim") + rope}}) {
    const int64_t found = config.Count(key, expected);
    if (found == expected) continue;
    config.Fail({Format("config.json: {}: {} is not supported; supported is {}",
                        key, found, expected)});
  }
}

void DescribeDeepseekExperts(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const bool third = config.Architecture() == "DeepseekV3ForCausalLM";
  DescribeExperts(recipe);
  metadata.Count(".leading_dense_block_count",
                 config.Count("first_k_dense_replace", 0));
  metadata.Count(".expert_feed_forward_length",
                 config.Count("moe_intermediate_size"));
  metadata.Count(".expert_shared_count", config.Count("n_shared_experts", 0));
  metadata.Number(".expert_weights_scale",
                  config.Number("routed_scaling_factor", 1.0));
  metadata.Flag(".expert_weights_norm", config.Flag("norm_topk_prob", third));
  const std::string scoring =
      config.Text("scoring_func", third ? "sigmoid" : "softmax");
  metadata.Count(".expert_gating_func",
                 scoring == "sigmoid" ? kSigmoid : kSoftmax);
  const int64_t groups = config.Count("n_group", 1);
  const int64_t used_groups = config.Count("topk_group", 1);
  const std::string method =
      config.Text("topk_method", third ? "noaux_tc" : "greedy");
  if (third ? method != "noaux_tc"
            : method != "greedy" && method != "group_limited_greedy") {
    config.Fail(
        {Format("config.json: topk_method: {} is not supported; supported is "
                "{}",
                method, third ? "noaux_tc" : "greedy, group_limited_greedy")});
  }
  if (groups > 1 && method != "greedy") {
    metadata.Count(".expert_group_count", groups);
    metadata.Count(".expert_group_used_count", used_groups);
  }
}

// kv_b_proj expands the latent to keys and values of every head. Keys are
// stored transposed, so that queries can be taken to the latent.
void AddLatentRules(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  TensorRules& rules = recipe.rules;
  const int64_t heads = config.Count("num_attention_heads");
  const int64_t key = config.Count("qk_nope_head_dim");
  const int64_t value = config.Count("v_head_dim");
  const auto rename = [&rules](std::string_view source, std::string_view target,
                               const Transforms& transforms) {
    rules.Rename(Format("layers.{}.self_attn.{}.weight", "{}", source),
                 Format("blk.{}.{}.weight", "{}", target), transforms);
  };
  rename("q_proj", "attn_q", {});
  rename("q_a_proj", "attn_q_a", {});
  rename("q_a_layernorm", "attn_q_a_norm", {});
  rename("q_b_proj", "attn_q_b", {});
  rename("kv_a_proj_with_mqa", "attn_kv_a_mqa", {});
  rename("kv_a_layernorm", "attn_kv_a_norm", {});
  const int64_t rank = config.Count("kv_lora_rank");
  rename("kv_b_proj", "attn_k_b",
         {RowsOfGroups(heads, 0, key), Reshape({heads, key, rank}),
          Permute({0, 2, 1})});
  rename("kv_b_proj", "attn_v_b",
         {RowsOfGroups(heads, key, value), Reshape({heads, value, rank})});
  rename("o_proj", "attn_output", {});
}

}  // namespace

void DescribeDeepseek(Recipe& recipe) {
  DescribeSizes(recipe);
  DescribeLatentAttention(recipe);
  CheckLatentSizes(recipe.config);
  DescribeDeepseekExperts(recipe);
  recipe.metadata.Count(".vocab_size", recipe.config.Count("vocab_size"));

  TensorRules& rules = recipe.rules;
  AddModelRules(recipe);
  AddLatentRules(recipe);
  rules.Rename("layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight");
  rules.Rename("layers.{}.post_attention_layernorm.weight",
               "blk.{}.ffn_norm.weight");
  AddGatedMlpRules(recipe, "layers.{}.mlp.");
  rules.Rename("layers.{}.mlp.gate.weight", "blk.{}.ffn_gate_inp.weight");
  rules.Rename("layers.{}.mlp.gate.e_score_correction_bias",
               "blk.{}.exp_probs_b.bias");
  AddExpertRules(recipe, "layers.{}.mlp.experts.{}.");
  for (const std::string_view part : {"gate", "up", "down"}) {
    rules.Rename(
        Format("layers.{}.mlp.shared_experts.{}_proj.weight", "{}", part),
        Format("blk.{}.ffn_{}_shexp.weight", "{}", part));
  }
  // Layers that predict more than one token ahead.
  rules.SkipLayersFrom(recipe.config.Count("num_hidden_layers"));
}

}  // namespace braid::convert
