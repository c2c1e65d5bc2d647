// T5 (Raffel et al. 2020), T5 1.1 and UMT5; whole, or the encoder alone.
#include <string>

#include "base/format.h"
#include "convert/families.h"

namespace braid::convert {

namespace {

void DescribeCommon(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  metadata.Count(".block_count", config.Count("num_layers"));
  metadata.Count(".context_length", config.Count("n_positions", 512));
  metadata.Count(".embedding_length", config.Count("d_model"));
  metadata.Count(".feed_forward_length", config.Count("d_ff"));
  metadata.Count(".attention.head_count", config.Count("num_heads"));
  metadata.Count(".attention.key_length", config.Count("d_kv"));
  metadata.Count(".attention.value_length", config.Count("d_kv"));
  const double epsilon = config.Number("layer_norm_epsilon", 1e-6);
  metadata.Number(".attention.layer_norm_epsilon", epsilon);
  metadata.Number(".attention.layer_norm_rms_epsilon", epsilon);
  metadata.Count(".attention.relative_buckets_count",
                 config.Count("relative_attention_num_buckets", 32));
  // Readers know no other distance.
  if (config.Count("relative_attention_max_distance", 128) != 128) {
    config.Fail(
        {"config.json: relative_attention_max_distance: only 128 is "
         "supported"});
  }
}

// The layers of one stack: "encoder", "enc".
void AddStack(TensorRules& rules, std::string_view source,
              std::string_view target) {
  const auto rename = [&](std::string_view module, std::string_view name) {
    rules.Rename(Format("{}.block.{}.{}.weight", source, "{}", module),
                 Format("{}.blk.{}.{}.weight", target, "{}", name));
  };
  const bool decodes = target == "dec";
  rename("layer.0.layer_norm", "attn_norm");
  rename("layer.0.SelfAttention.q", "attn_q");
  rename("layer.0.SelfAttention.k", "attn_k");
  rename("layer.0.SelfAttention.v", "attn_v");
  rename("layer.0.SelfAttention.o", "attn_o");
  rename("layer.0.SelfAttention.relative_attention_bias", "attn_rel_b");
  if (decodes) {
    rename("layer.1.layer_norm", "cross_attn_norm");
    rename("layer.1.EncDecAttention.q", "cross_attn_q");
    rename("layer.1.EncDecAttention.k", "cross_attn_k");
    rename("layer.1.EncDecAttention.v", "cross_attn_v");
    rename("layer.1.EncDecAttention.o", "cross_attn_o");
  }
  const std::string mlp = decodes ? "layer.2." : "layer.1.";
  rename(mlp + "layer_norm", "ffn_norm");
  rename(mlp + "DenseReluDense.wi", "ffn_up");
  rename(mlp + "DenseReluDense.wi_0", "ffn_gate");
  rename(mlp + "DenseReluDense.wi_1", "ffn_up");
  rename(mlp + "DenseReluDense.wo", "ffn_down");
  rules.Rename(Format("{}.final_layer_norm.weight", source),
               Format("{}.output_norm.weight", target));
}

void AddEmbeddingRules(TensorRules& rules) {
  rules.Rename("shared.weight", "token_embd.weight");
  rules.SkipIfEqual("encoder.embed_tokens.weight", "shared.weight");
  rules.SkipIfEqual("decoder.embed_tokens.weight", "shared.weight");
  // Some old checkpoints have one there, which no model reads.
  rules.Skip(
      "decoder.block.{}.layer.1.EncDecAttention.relative_attention_bias."
      "weight");
}

}  // namespace

void DescribeT5(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  DescribeCommon(recipe);
  recipe.metadata.Count(
      ".decoder_block_count",
      config.Count("num_decoder_layers", config.Count("num_layers")));
  recipe.metadata.Count(".decoder_start_token_id",
                        config.Count("decoder_start_token_id", 0));
  AddEmbeddingRules(recipe.rules);
  AddStack(recipe.rules, "encoder", "enc");
  AddStack(recipe.rules, "decoder", "dec");
  recipe.rules.Rename("lm_head.weight", "output.weight");
  recipe.rules.SkipIfEqual("lm_head.weight", "shared.weight");
}

void DescribeT5Encoder(Recipe& recipe) {
  DescribeCommon(recipe);
  AddEmbeddingRules(recipe.rules);
  AddStack(recipe.rules, "encoder", "enc");
  recipe.rules.Skip("decoder.*");
  recipe.rules.Skip("lm_head.weight");
}

}  // namespace braid::convert
