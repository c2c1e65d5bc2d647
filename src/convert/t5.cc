// T5 (Raffel et al. 2020), T5 1.1 and UMT5; whole, or the encoder alone.
#include <cmath>
#include <string>

#include "base/format.h"
#include "convert/families.h"

namespace braid::convert {

namespace {

// Readers see by the tensors which of two kinds the MLP is: ReLU, or a gate of
// GELU in its tanh form.
void CheckFeedForward(const HfConfig& config, const Checkpoint* checkpoint) {
  const std::string kind = config.Text("feed_forward_proj", "relu");
  const bool gated = kind == "gated-gelu";
  if (!gated && kind != "relu") {
    config.Fail(
        {Format("config.json: feed_forward_proj: {} is not supported; "
                "supported are relu and gated-gelu",
                kind)});
    return;
  }
  const std::string_view expected = gated ? "gelu_new" : "relu";
  const std::string function = config.Text("dense_act_fn", expected);
  if (function != expected || config.Flag("is_gated_act", gated) != gated) {
    config.Fail(
        {Format("config.json: feed_forward_proj: {} contradicts "
                "dense_act_fn {} and is_gated_act {}",
                kind, function, config.Flag("is_gated_act", gated))});
  }
  if (checkpoint == nullptr) return;
  const std::string gate = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight";
  if ((checkpoint->Find(gate) != nullptr) == gated) return;
  config.Fail(
      {Format("config.json: feed_forward_proj: {}, but the weights {} "
              "{}",
              kind, gated ? "lack" : "have", gate)});
}

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
  CheckFeedForward(config, recipe.checkpoint);
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

// Readers scale what the embedding is multiplied with, and not what an output
// matrix is. transformers scales by a flag of its own, or if the two are tied.
void AddOutputRules(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  TensorRules& rules = recipe.rules;
  const bool tied = config.Flag("tie_word_embeddings", true);
  const double width = static_cast<double>(config.Count("d_model"));
  if (config.Flag("scale_decoder_outputs", tied)) {
    rules.Rename("lm_head.weight", "output.weight",
                 {Multiply(static_cast<float>(1 / std::sqrt(width)))});
    rules.SkipIfEqual("lm_head.weight", "shared.weight");
  } else if (recipe.checkpoint != nullptr &&
             recipe.checkpoint->Find("lm_head.weight") == nullptr) {
    rules.Rename("shared.weight", "output.weight");
  } else {
    rules.Rename("lm_head.weight", "output.weight");
  }
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
  AddOutputRules(recipe);
}

void DescribeT5Encoder(Recipe& recipe) {
  DescribeCommon(recipe);
  AddEmbeddingRules(recipe.rules);
  AddStack(recipe.rules, "encoder", "enc");
  recipe.rules.Skip("decoder.*");
  recipe.rules.Skip("lm_head.weight");
}

}  // namespace braid::convert
