// Llama, Mistral, SmolLM and the rest of that family; Mixtral's experts.
#include "base/format.h"
#include "convert/families.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

// Mistral and Mixtral have a window, Llama has none. One as wide as the context
// hides nothing.
void DescribeWindow(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  if (config.Architecture() == "LlamaForCausalLM") return;
  const int64_t window = config.Count("sliding_window", 0);
  if (window == 0 || window >= config.Count("max_position_embeddings", 0)) {
    return;
  }
  recipe.metadata.Count(".attention.sliding_window", window);
  recipe.notices.push_back(
      Format("sliding_window: {} is in the file; other programs do not read it "
             "for this architecture and attend to everything",
             window));
}

}  // namespace

void DescribeLlama(Recipe& recipe) {
  DescribeSizes(recipe);
  DescribeAttention(recipe);
  DescribeRope(recipe, HeadSize(recipe.config));
  DescribeExperts(recipe);
  DescribeWindow(recipe);
  recipe.metadata.Count(".vocab_size", recipe.config.Count("vocab_size"));

  TensorRules& rules = recipe.rules;
  AddModelRules(recipe);
  AddAttentionRules(recipe, RotaryRows::kPaired);
  rules.Rename("layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight");
  rules.Rename("layers.{}.post_attention_layernorm.weight",
               "blk.{}.ffn_norm.weight");
  AddGatedMlpRules(recipe, "layers.{}.mlp.");
  rules.Rename("layers.{}.block_sparse_moe.gate.weight",
               "blk.{}.ffn_gate_inp.weight");
  rules.Stack("layers.{}.block_sparse_moe.experts.{}.w1.weight",
              "blk.{}.ffn_gate_exps.weight");
  rules.Stack("layers.{}.block_sparse_moe.experts.{}.w3.weight",
              "blk.{}.ffn_up_exps.weight");
  rules.Stack("layers.{}.block_sparse_moe.experts.{}.w2.weight",
              "blk.{}.ffn_down_exps.weight");
}

}  // namespace braid::convert
