// Granite 4 (IBM 2025): Mamba-2 and attention layers, dense or with experts.
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/families.h"
#include "convert/state_space.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

std::vector<int64_t> KvHeads(const HfConfig& config) {
  std::vector<int64_t> kv_heads;  // 0: a Mamba-2 layer
  for (const std::string& type : config.Texts("layer_types")) {
    const bool attends = type == "attention" || type == "full_attention";
    if (!attends && type != "mamba" && type != "linear_attention") {
      config.Fail(
          {Format("config.json: layer_types: {} is not supported; "
                  "supported are attention and mamba",
                  type)});
    }
    kv_heads.push_back(attends ? config.Count("num_key_value_heads") : 0);
  }
  const int64_t layers = config.Count("num_hidden_layers");
  if (static_cast<int64_t>(kv_heads.size()) != layers) {
    config.Fail({Format("config.json: layer_types: {} entries for {} layers",
                        kv_heads.size(), layers)});
  }
  return kv_heads;
}

// One matrix holds gate and up, for the shared expert and, stacked, for the
// others.
void AddFeedForwardRules(Recipe& recipe, int64_t experts) {
  const HfConfig& config = recipe.config;
  TensorRules& rules = recipe.rules;
  const int64_t shared = config.Count("shared_intermediate_size");
  const std::string end = experts > 0 ? "_shexp.weight" : ".weight";
  const std::string_view shared_in = "layers.{}.shared_mlp.input_linear.weight";
  rules.Rename(shared_in, "blk.{}.ffn_gate" + end, {Rows(0, shared)});
  rules.Rename(shared_in, "blk.{}.ffn_up" + end, {Rows(shared, shared)});
  rules.Rename("layers.{}.shared_mlp.output_linear.weight",
               "blk.{}.ffn_down" + end);
  if (experts == 0) return;
  const int64_t hidden = config.Count("intermediate_size");
  const int64_t width = config.Count("hidden_size");
  const auto half = [&](int64_t begin) -> Transforms {
    return {Reshape({-1, width}), RowsOfGroups(experts, begin, hidden),
            Reshape({experts, hidden, width})};
  };
  const std::string at = "layers.{}.block_sparse_moe.";
  rules.Rename(at + "router.layer.weight", "blk.{}.ffn_gate_inp.weight");
  rules.Rename(at + "input_linear.weight", "blk.{}.ffn_gate_exps.weight",
               half(0));
  rules.Rename(at + "input_linear.weight", "blk.{}.ffn_up_exps.weight",
               half(hidden));
  rules.Rename(at + "output_linear.weight", "blk.{}.ffn_down_exps.weight");
}

}  // namespace

void DescribeGraniteHybrid(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t experts = config.Count("num_local_experts", 0);
  const int64_t heads = config.Count("mamba_n_heads");
  const int64_t groups = config.Count("mamba_n_groups", 1);
  const std::string position = config.Text("position_embedding_type", "nope");
  if (position != "rope" && position != "nope") {
    config.Fail(
        {Format("config.json: position_embedding_type: {} is not "
                "supported; supported are rope and nope",
                position)});
  }
  CheckInner(config, "mamba_d_head", heads,
             config.Count("mamba_expand", 2) * config.Count("hidden_size"));
  CheckStepLimit(config);
  DescribeSizes(recipe);
  metadata.Count(".context_length", kUnlimitedContext);
  DescribeAttention(recipe);
  metadata.Counts(".attention.head_count_kv", KvHeads(config));
  DescribeRope(recipe, HeadSize(config));
  // The flag that readers of this architecture take for "has rotary positions".
  metadata.Flag(".rope.scaling.finetuned", position == "rope");
  metadata.Number(".embedding_scale",
                  config.Number("embedding_multiplier", 1.0));
  metadata.Number(".residual_scale", config.Number("residual_multiplier", 1.0));
  metadata.Number(".logit_scale", config.Number("logits_scaling", 1.0));
  metadata.Number(".attention.scale",
                  config.Number("attention_multiplier", 1.0));
  metadata.Count(".ssm.conv_kernel", config.Count("mamba_d_conv", 4));
  metadata.Count(".ssm.inner_size",
                 config.Count("mamba_expand", 2) * config.Count("hidden_size"));
  metadata.Count(".ssm.state_size", config.Count("mamba_d_state", 256));
  metadata.Count(".ssm.time_step_rank", heads);
  metadata.Count(".ssm.group_count", groups);
  const int64_t shared = config.Count("shared_intermediate_size");
  if (experts > 0) {
    DescribeExperts(recipe);
    metadata.Count(".expert_shared_feed_forward_length", shared);
  } else {
    metadata.Count(".feed_forward_length", shared);
  }
  recipe.vocabulary_multiple = 8;

  TensorRules& rules = recipe.rules;
  AddModelRules(recipe);
  rules.Rename("layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight");
  rules.Rename("layers.{}.post_attention_layernorm.weight",
               "blk.{}.ffn_norm.weight");
  AddAttentionRules(recipe, RotaryRows::kPaired);
  AddMamba2Rules(recipe, "layers.{}.mamba.", groups);
  AddFeedForwardRules(recipe, experts);
}

}  // namespace braid::convert
