// BERT (Devlin et al. 2018) and Nomic's variant with rotary positions.
#include <string>

#include "base/format.h"
#include "convert/families.h"
#include "json/json.h"

namespace braid::convert {

namespace {

// The value of A.pooling_type for a model that scores pairs of texts.
constexpr int kRank = 4;

void DescribeEncoder(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  metadata.Count(".block_count", config.Count("num_hidden_layers|n_layer"));
  metadata.Count(".embedding_length", config.Count("hidden_size|n_embd"));
  metadata.Count(".feed_forward_length",
                 config.Count("intermediate_size|n_inner"));
  metadata.Count(".attention.head_count",
                 config.Count("num_attention_heads|n_head"));
  metadata.Number(".attention.layer_norm_epsilon",
                  config.Number("layer_norm_eps|layer_norm_epsilon", 1e-12));
  metadata.Flag(".attention.causal", false);
}

// `module` of a checkpoint, with weight and bias.
void AddLinear(TensorRules& rules, std::string_view module,
               std::string_view target) {
  for (const std::string_view part : {".weight", ".bias"}) {
    rules.Rename(std::string(module) + std::string(part),
                 std::string(target) + std::string(part));
  }
}

void AddEmbeddingRules(Recipe& recipe) {
  TensorRules& rules = recipe.rules;
  rules.StripPrefix("bert.");
  rules.Rename("embeddings.word_embeddings.weight", "token_embd.weight");
  rules.Rename("embeddings.token_type_embeddings.weight", "token_types.weight");
  rules.Skip("embeddings.position_ids");
  // Heads for training: the file is an encoder, unless it classifies texts.
  if (recipe.config.Architecture() == "BertForSequenceClassification") {
    AddLinear(rules, "pooler.dense", "cls");
  } else {
    rules.Skip("pooler.*");
  }
  rules.Skip("cls.*");
}

}  // namespace

void DescribeBert(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  recipe.metadata.Count(".context_length",
                        config.Count("max_position_embeddings"));
  DescribeEncoder(recipe);

  TensorRules& rules = recipe.rules;
  AddEmbeddingRules(recipe);
  rules.Rename("embeddings.position_embeddings.weight", "position_embd.weight");
  AddLinear(rules, "embeddings.LayerNorm", "token_embd_norm");
  const auto layer = [&rules](std::string_view source,
                              std::string_view target) {
    AddLinear(rules, Format("encoder.layer.{}.{}", "{}", source),
              Format("blk.{}.{}", "{}", target));
  };
  layer("attention.self.query", "attn_q");
  layer("attention.self.key", "attn_k");
  layer("attention.self.value", "attn_v");
  layer("attention.output.dense", "attn_output");
  layer("attention.output.LayerNorm", "attn_output_norm");
  layer("intermediate.dense", "ffn_up");
  layer("output.dense", "ffn_down");
  layer("output.LayerNorm", "layer_output_norm");
  if (config.Architecture() == "BertForSequenceClassification") {
    recipe.metadata.Count(".pooling_type", kRank);
    AddLinear(rules, "classifier", "cls.output");
  }
}

void DescribeNomicBert(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  metadata.Count(".context_length",
                 config.Count("max_trained_positions|max_position_embeddings",
                              config.Count("n_positions", 2048)));
  DescribeEncoder(recipe);
  const int64_t width = config.Count("hidden_size|n_embd");
  const int64_t heads = config.Count("num_attention_heads|n_head");
  if (config.Count("head_dim", heads == 0 ? 0 : width / heads) * heads !=
      width) {
    config.Fail(
        {Format("config.json: head_dim: {} times {} is not the width "
                "{}",
                config.Count("head_dim"), heads, width)});
  }
  const std::string rope_type =
      config.Text("rope_parameters.rope_type", "default");
  if (rope_type != "default") {
    config.Fail(
        {Format("config.json: rope_parameters: type {} is not "
                "supported; supported is default",
                rope_type)});
  }
  metadata.Number(".rope.freq_base",
                  config.Number("rope_parameters.rope_theta|rotary_emb_base|"
                                "rope_theta",
                                10000.0));

  TensorRules& rules = recipe.rules;
  AddEmbeddingRules(recipe);
  AddLinear(rules, "emb_ln", "token_embd_norm");
  const auto layer = [&rules](std::string_view source,
                              std::string_view target) {
    AddLinear(rules, Format("encoder.layers.{}.{}", "{}", source),
              Format("blk.{}.{}", "{}", target));
  };
  layer("attn.Wqkv", "attn_qkv");
  layer("attn.out_proj", "attn_output");
  layer("norm1", "attn_output_norm");
  layer("mlp.fc11", "ffn_up");
  layer("mlp.fc12", "ffn_gate");
  layer("mlp.fc2", "ffn_down");
  layer("norm2", "layer_output_norm");
}

}  // namespace braid::convert
