// Qwen3.5 to 3.8 (Alibaba 2026): gated delta nets and gated attention, dense or
// with experts.
#include <algorithm>
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/families.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

struct DeltaSizes {
  int64_t key_heads;
  int64_t heads;  // of values
  int64_t key_dim;
  int64_t value_dim;
};

DeltaSizes ReadDeltaSizes(const HfConfig& config) {
  const DeltaSizes sizes = {.key_heads = config.Count("linear_num_key_heads"),
                            .heads = config.Count("linear_num_value_heads"),
                            .key_dim = config.Count("linear_key_head_dim"),
                            .value_dim = config.Count("linear_value_head_dim")};
  if (sizes.key_heads < 1 || sizes.heads % sizes.key_heads != 0) {
    config.Fail(
        {Format("config.json: linear_num_value_heads: {} is no "
                "multiple of linear_num_key_heads {}",
                sizes.heads, sizes.key_heads)});
  }
  if (sizes.key_dim != sizes.value_dim) {
    config.Fail(
        {Format("config.json: linear_value_head_dim: {} is not "
                "supported; it must be linear_key_head_dim {}",
                sizes.value_dim, sizes.key_dim)});
  }
  return sizes;
}

// Every how many layers there is attention.
int64_t AttentionInterval(const HfConfig& config) {
  const std::vector<std::string> types = config.Texts("layer_types");
  const auto first = std::ranges::find(types, "full_attention");
  const int64_t usual = first == types.end() ? 4 : first - types.begin() + 1;
  const int64_t interval = config.Count("full_attention_interval", usual);
  if (interval < 1) {
    config.Fail({"config.json: full_attention_interval: is 0"});
    return 1;
  }
  CheckLayerTypes(config, [interval](int64_t layer) -> std::string_view {
    return (layer + 1) % interval == 0 ? "full_attention" : "linear_attention";
  });
  return interval;
}

void DescribeDelta(Recipe& recipe, const DeltaSizes& sizes) {
  Metadata& metadata = recipe.metadata;
  metadata.Count(".ssm.conv_kernel",
                 recipe.config.Count("linear_conv_kernel_dim", 4));
  metadata.Count(".ssm.state_size", sizes.key_dim);
  metadata.Count(".ssm.group_count", sizes.key_heads);
  metadata.Count(".ssm.time_step_rank", sizes.heads);
  metadata.Count(".ssm.inner_size", sizes.heads * sizes.value_dim);
}

// How many pairs turn by each axis of a picture. All stand at a text's
// position, so that the order of the axes has no effect on texts; readers want
// the key.
void DescribeAxes(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  constexpr size_t kAxes = 4;
  std::vector<int64_t> sections =
      config.Counts("rope_parameters.mrope_section|rope_scaling.mrope_section");
  if (sections.size() > kAxes) {
    config.Fail({Format("config.json: mrope_section: {} axes, expected {}",
                        sections.size(), kAxes)});
  }
  if (sections.empty()) return;
  sections.resize(kAxes, 0);
  recipe.metadata.Counts(".rope.dimension_sections", sections);
}

// Files have the value heads in tiles: neighbours have different key heads.
void AddDeltaRules(Recipe& recipe, const DeltaSizes& sizes) {
  const auto rename = [&](std::string_view source, std::string_view target,
                          const Transforms& transforms) {
    recipe.rules.Rename(Format("layers.{}.linear_attn.{}", "{}", source),
                        Format("blk.{}.{}", "{}", target), transforms);
  };
  const auto tile = [&sizes](int64_t begin = 0) {
    return TileHeads(begin, sizes.heads, sizes.key_heads);
  };
  const int64_t queries_and_keys = 2 * sizes.key_heads * sizes.key_dim;
  rename("in_proj_qkv.weight", "attn_qkv.weight", {tile(queries_and_keys)});
  rename("in_proj_z.weight", "attn_gate.weight", {tile()});
  rename("in_proj_a.weight", "ssm_alpha.weight", {tile()});
  rename("in_proj_b.weight", "ssm_beta.weight", {tile()});
  rename("conv1d.weight", "ssm_conv1d.weight",
         {Squeeze(), tile(queries_and_keys)});
  rename("dt_bias", "ssm_dt.bias", {tile()});
  rename("A_log", "ssm_a", {MinusExp(), tile()});
  rename("norm.weight", "ssm_norm.weight", {});
  rename("out_proj.weight", "ssm_out.weight",
         {Transpose(), tile(), Transpose()});
}

// Published folders have the matrices of all experts in one tensor, gate above
// up; what transformers saves has them one by one.
void AddMoeRules(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  TensorRules& rules = recipe.rules;
  const int64_t experts = config.Count("num_experts");
  const int64_t hidden = config.Count("moe_intermediate_size");
  const int64_t width = config.Count("hidden_size");
  const auto half = [&](int64_t begin) -> Transforms {
    return {Reshape({-1, width}), RowsOfGroups(experts, begin, hidden),
            Reshape({experts, hidden, width})};
  };
  const std::string at = "layers.{}.mlp.";
  rules.Rename(at + "gate.weight", "blk.{}.ffn_gate_inp.weight");
  rules.Rename(at + "experts.gate_up_proj", "blk.{}.ffn_gate_exps.weight",
               half(0));
  rules.Rename(at + "experts.gate_up_proj", "blk.{}.ffn_up_exps.weight",
               half(hidden));
  rules.Rename(at + "experts.down_proj", "blk.{}.ffn_down_exps.weight");
  AddExpertRules(recipe, at + "experts.{}.");
  rules.Rename(at + "shared_expert_gate.weight",
               "blk.{}.ffn_gate_inp_shexp.weight", {Squeeze()});
  for (const std::string_view part : {"gate", "up", "down"}) {
    rules.Rename(at + Format("shared_expert.{}_proj.weight", part),
                 Format("blk.{}.ffn_{}_shexp.weight", "{}", part));
  }
}

// Norms scale by one more than their weights, but for that of the delta net.
void AddNormRules(TensorRules& rules) {
  const auto norm = [&rules](std::string_view source, std::string_view target) {
    rules.Rename(Format("layers.{}.{}.weight", "{}", source),
                 Format("blk.{}.{}.weight", "{}", target), {Add(1)});
  };
  norm("input_layernorm", "attn_norm");
  norm("post_attention_layernorm", "post_attention_norm");
  norm("self_attn.q_norm", "attn_q_norm");
  norm("self_attn.k_norm", "attn_k_norm");
}

}  // namespace

void DescribeQwen35(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const DeltaSizes sizes = ReadDeltaSizes(config);
  const bool experts = config.Has("num_experts");
  metadata.Count(".block_count", config.Count("num_hidden_layers"));
  metadata.Count(".context_length", config.Count("max_position_embeddings"));
  metadata.Count(".embedding_length", config.Count("hidden_size"));
  DescribeAttention(recipe);
  DescribeRope(recipe, HeadSize(config), {.base = 1e7});
  DescribeAxes(recipe);
  metadata.Count(".full_attention_interval", AttentionInterval(config));
  DescribeDelta(recipe, sizes);
  if (experts) {
    DescribeExperts(recipe);
    metadata.Count(".expert_feed_forward_length",
                   config.Count("moe_intermediate_size"));
    metadata.Count(".expert_shared_feed_forward_length",
                   config.Count("shared_expert_intermediate_size"));
  } else {
    metadata.Count(".feed_forward_length", config.Count("intermediate_size"));
  }

  AddModelRules(recipe, {Add(1)});
  AddNormRules(recipe.rules);
  AddAttentionRules(recipe, RotaryRows::kAsStored);
  AddDeltaRules(recipe, sizes);
  if (experts) {
    AddMoeRules(recipe);
  } else {
    AddGatedMlpRules(recipe, "layers.{}.mlp.");
  }
  // What predicts tokens further ahead, and the tower for images.
  recipe.rules.Skip("mtp.*");
  recipe.rules.Skip("visual.*");
}

}  // namespace braid::convert
