// Qwen2 and Qwen2.5, Qwen3 (dense).
#include "convert/families.h"
#include "convert/transformer.h"

namespace braid::convert {

void DescribeQwen(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  CheckLayerTypes(config,
                  [](int64_t) -> std::string_view { return "full_attention"; });
  DescribeSizes(recipe);
  DescribeAttention(recipe);
  DescribeRope(recipe, HeadSize(config));

  TensorRules& rules = recipe.rules;
  AddModelRules(recipe);
  AddAttentionRules(recipe, RotaryRows::kAsStored);
  rules.Rename("layers.{}.self_attn.q_norm.weight",
               "blk.{}.attn_q_norm.weight");
  rules.Rename("layers.{}.self_attn.k_norm.weight",
               "blk.{}.attn_k_norm.weight");
  rules.Rename("layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight");
  rules.Rename("layers.{}.post_attention_layernorm.weight",
               "blk.{}.ffn_norm.weight");
  AddGatedMlpRules(recipe, "layers.{}.mlp.");
}

}  // namespace braid::convert
