// Jamba (Lieber et al. 2024): Mamba and attention layers, experts in some.
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/families.h"
#include "convert/state_space.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

// Experts stand where the config says: readers see it by the tensors.
void CheckExpertLayers(Recipe& recipe, int64_t layers) {
  const HfConfig& config = recipe.config;
  const int64_t period = config.Count("expert_layer_period", 2);
  const int64_t offset = config.Count("expert_layer_offset", 1);
  const bool any = config.Count("num_experts", 16) > 1;
  if (recipe.checkpoint == nullptr) return;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const std::string router =
        Format("model.layers.{}.feed_forward.router.weight", layer);
    const bool expected = any && period > 0 && layer % period == offset;
    const bool found = recipe.checkpoint->Find(router) != nullptr;
    if (found == expected) continue;
    config.Fail(
        {Format("config.json: expert_layer_period {}, expert_layer_"
                "offset {}: layer {} {} experts, but the weights {} {}",
                period, offset, layer, expected ? "has" : "has no",
                found ? "have" : "lack", router)});
    return;
  }
}

}  // namespace

void DescribeJamba(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  DescribeSizes(recipe);
  DescribeAttention(recipe);
  const int64_t layers = config.Layers("num_hidden_layers");
  const int64_t period = config.Count("attn_layer_period", 8);
  const int64_t offset = config.Count("attn_layer_offset", 4);
  if (period == 0) {
    config.Fail({"config.json: attn_layer_period: is 0"});
    return;
  }
  std::vector<int64_t> kv_heads;  // 0: a Mamba layer
  for (int64_t layer = 0; layer < layers; ++layer) {
    kv_heads.push_back(
        layer % period == offset ? config.Count("num_key_value_heads") : 0);
  }
  metadata.Counts(".attention.head_count_kv", kv_heads);
  const int64_t width = config.Count("hidden_size");
  metadata.Count(".ssm.conv_kernel", config.Count("mamba_d_conv", 4));
  metadata.Count(".ssm.inner_size", config.Count("mamba_expand", 2) * width);
  metadata.Count(".ssm.state_size", config.Count("mamba_d_state", 16));
  metadata.Count(".ssm.time_step_rank",
                 config.Count("mamba_dt_rank", (width + 15) / 16));
  metadata.Count(".vocab_size", config.Count("vocab_size"));
  DescribeExperts(recipe);
  CheckExpertLayers(recipe, layers);

  TensorRules& rules = recipe.rules;
  AddModelRules(recipe);
  rules.Rename("final_layernorm.weight", "output_norm.weight");
  rules.Rename("layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight");
  // Without rotary positions there are no pairs to put together.
  AddAttentionRules(recipe, RotaryRows::kAsStored);
  AddMambaRules(recipe, "layers.{}.mamba.");
  rules.Rename("layers.{}.mamba.dt_layernorm.weight",
               "blk.{}.ssm_dt_norm.weight");
  rules.Rename("layers.{}.mamba.b_layernorm.weight",
               "blk.{}.ssm_b_norm.weight");
  rules.Rename("layers.{}.mamba.c_layernorm.weight",
               "blk.{}.ssm_c_norm.weight");
  rules.Rename("layers.{}.pre_ff_layernorm.weight", "blk.{}.ffn_norm.weight");
  AddGatedMlpRules(recipe, "layers.{}.feed_forward.");
  rules.Rename("layers.{}.feed_forward.router.weight",
               "blk.{}.ffn_gate_inp.weight");
  AddExpertRules(recipe, "layers.{}.feed_forward.experts.{}.");
}

}  // namespace braid::convert
