// Gemma 2 and the text part of Gemma 3.
#include <cmath>
#include <string>

#include "base/format.h"
#include "convert/families.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

// The largest of each generation divides queries by the root of width over
// heads, all others by that of the head size. Readers know them by their
// number of layers.
constexpr int64_t kGemma2Layers27B = 46;
constexpr int64_t kGemma3Layers27B = 62;

// What readers take for the scale of queries, to the power of -2.
double AssumedScalar(const HfConfig& config, int64_t largest) {
  if (config.Count("num_hidden_layers") != largest) {
    return static_cast<double>(HeadSize(config));
  }
  return static_cast<double>(config.Count("hidden_size")) /
         static_cast<double>(config.Count("num_attention_heads"));
}

void DescribeCommon(Recipe& recipe, int64_t largest) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  DescribeSizes(recipe);
  DescribeAttention(recipe);
  metadata.Count(".attention.key_length", HeadSize(config));
  metadata.Count(".attention.value_length", HeadSize(config));
  const double scalar = config.Number("query_pre_attn_scalar", 256.0);
  if (scalar <= 0 || scalar != AssumedScalar(config, largest)) {
    config.Fail(
        {Format("config.json: query_pre_attn_scalar: {} is not "
                "supported; a model of this size has {}",
                scalar, AssumedScalar(config, largest))});
  }
  metadata.Count(".attention.sliding_window",
                 config.Count("sliding_window|sliding_window_size", 4096));
  for (const std::string_view cap :
       {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (config.Has(cap)) {
      metadata.Number(Format(".{}", cap), config.Number(cap));
    }
  }
}

// Of so many layers the last sees everything.
void CheckPattern(const HfConfig& config, int64_t pattern) {
  CheckLayerTypes(config, [pattern](int64_t layer) -> std::string_view {
    return (layer + 1) % pattern == 0 ? "full_attention" : "sliding_attention";
  });
}

// Norms scale by one more than their weights; in GGUF by the weights.
void AddRules(Recipe& recipe) {
  TensorRules& rules = recipe.rules;
  AddModelRules(recipe, {Add(1)});
  AddAttentionRules(recipe, RotaryRows::kAsStored);
  AddGatedMlpRules(recipe, "layers.{}.mlp.");
  const auto norm = [&rules](std::string_view source, std::string_view target) {
    rules.Rename(Format("layers.{}.{}.weight", "{}", source),
                 Format("blk.{}.{}.weight", "{}", target), {Add(1)});
  };
  norm("input_layernorm", "attn_norm");
  norm("post_attention_layernorm", "post_attention_norm");
  norm("pre_feedforward_layernorm", "ffn_norm");
  norm("post_feedforward_layernorm", "post_ffw_norm");
  norm("self_attn.q_norm", "attn_q_norm");
  norm("self_attn.k_norm", "attn_k_norm");
}

}  // namespace

void DescribeGemma2(Recipe& recipe) {
  DescribeCommon(recipe, kGemma2Layers27B);
  CheckPattern(recipe.config, 2);
  DescribeRope(recipe, HeadSize(recipe.config));
  AddRules(recipe);
}

void DescribeGemma3(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  DescribeCommon(recipe, kGemma3Layers27B);
  const int64_t pattern =
      config.Count("sliding_window_pattern|_sliding_window_pattern", 6);
  if (pattern != 6) {
    config.Fail(
        {Format("config.json: sliding_window_pattern: {} is not "
                "supported; supported is 6",
                pattern)});
  }
  CheckPattern(config, 6);
  DescribeRope(recipe, HeadSize(config),
               {.base = 1e6, .layer_type = "full_attention"});
  const std::string local =
      config.Text("rope_parameters.sliding_attention.rope_type", "default");
  if (local != "default") {
    config.Fail(
        {Format("config.json: rope_parameters: sliding_attention: type "
                "{} is not supported; supported is default",
                local)});
  }
  recipe.metadata.Number(
      ".rope.freq_base_swa",
      config.Number("rope_parameters.sliding_attention.rope_theta|"
                    "rope_local_base_freq",
                    10000.0));
  AddRules(recipe);
  // The parts of the model that look at pictures.
  recipe.rules.Skip("vision_tower.*");
  recipe.rules.Skip("multi_modal_projector.*");
}

}  // namespace braid::convert
