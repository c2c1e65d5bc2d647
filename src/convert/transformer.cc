#include "convert/transformer.h"

#include <string>
#include <vector>

#include "base/format.h"

namespace braid::convert {

void DescribeSizes(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  metadata.Count(".block_count", config.Count("num_hidden_layers|n_layer"));
  metadata.Count(".context_length",
                 config.Count("max_position_embeddings|max_seq_len|n_ctx"));
  metadata.Count(".embedding_length", config.Count("hidden_size|d_model"));
  metadata.Count(".feed_forward_length", config.Count("intermediate_size"));
}

int64_t HeadSize(const HfConfig& config) {
  const int64_t heads = config.Count("num_attention_heads|n_head");
  if (heads == 0) {
    config.Fail({"config.json: num_attention_heads: is 0"});
    return 1;
  }
  return config.Count("head_dim", config.Count("hidden_size|d_model") / heads);
}

void DescribeAttention(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t heads = config.Count("num_attention_heads|n_head");
  metadata.Count(".attention.head_count", heads);
  metadata.Count(".attention.head_count_kv",
                 config.Count("num_key_value_heads", heads));
  metadata.Number(
      ".attention.layer_norm_rms_epsilon",
      config.Number("rms_norm_eps|norm_eps|layer_norm_epsilon", 1e-6));
  if (config.Has("head_dim")) {
    metadata.Count(".attention.key_length", HeadSize(config));
    metadata.Count(".attention.value_length", HeadSize(config));
  }
}

void CheckLayerTypes(const HfConfig& config,
                     FunctionRef<std::string_view(int64_t layer)> expected) {
  const std::vector<std::string> types = config.Texts("layer_types");
  const int64_t layers = config.Count("num_hidden_layers|n_layer");
  if (types.empty()) return;
  if (static_cast<int64_t>(types.size()) != layers) {
    config.Fail({Format("config.json: layer_types: {} entries for {} layers",
                        types.size(), layers)});
    return;
  }
  for (int64_t layer = 0; layer < layers; ++layer) {
    const std::string& type = types[static_cast<size_t>(layer)];
    if (type == expected(layer)) continue;
    config.Fail(
        {Format("config.json: layer_types: layer {} is {}; supported "
                "is {} there",
                layer, type, expected(layer))});
    return;
  }
}

void DescribeExperts(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  const int64_t experts =
      config.Count("num_local_experts|num_experts|n_routed_experts", 0);
  if (experts == 0) return;
  recipe.metadata.Count(".expert_count", experts);
  recipe.metadata.Count(".expert_used_count",
                        config.Count("num_experts_per_tok"));
}

void AddModelRules(Recipe& recipe, const Transforms& norm) {
  TensorRules& rules = recipe.rules;
  rules.StripPrefix("model.");
  rules.StripPrefix("backbone.");
  rules.StripPrefix("language_model.");
  rules.Rename("embed_tokens.weight", "token_embd.weight");
  rules.Rename("norm.weight", "output_norm.weight", norm);
  rules.Rename("lm_head.weight", "output.weight");
  rules.SkipIfEqual("lm_head.weight", "embed_tokens.weight");
  // Angles, which every reader computes.
  rules.Skip("layers.{}.self_attn.rotary_emb.inv_freq");
  rules.Skip("rotary_emb.inv_freq");
}

void AddAttentionRules(Recipe& recipe, RotaryRows rows) {
  const HfConfig& config = recipe.config;
  TensorRules& rules = recipe.rules;
  const int64_t heads = config.Count("num_attention_heads");
  Transforms query;
  Transforms key;
  if (rows == RotaryRows::kPaired) {
    query = {PairRotaryRows(heads)};
    key = {PairRotaryRows(config.Count("num_key_value_heads", heads))};
  }
  for (const std::string_view part : {"weight", "bias"}) {
    const auto rename = [&](std::string_view source, std::string_view target,
                            const Transforms& transforms) {
      rules.Rename(Format("layers.{}.self_attn.{}.{}", "{}", source, part),
                   Format("blk.{}.{}.{}", "{}", target, part), transforms);
    };
    rename("q_proj", "attn_q", query);
    rename("k_proj", "attn_k", key);
    rename("v_proj", "attn_v", {});
    rename("o_proj", "attn_output", {});
  }
}

void AddExpertRules(Recipe& recipe, std::string_view prefix) {
  for (const std::string_view part : {"gate", "up", "down"}) {
    recipe.rules.Stack(std::string(prefix) + Format("{}_proj.weight", part),
                       Format("blk.{}.ffn_{}_exps.weight", "{}", part));
  }
}

void AddGatedMlpRules(Recipe& recipe, std::string_view prefix) {
  for (const std::string_view part : {"gate", "up", "down"}) {
    for (const std::string_view kind : {"weight", "bias"}) {
      recipe.rules.Rename(
          std::string(prefix) + Format("{}_proj.{}", part, kind),
          Format("blk.{}.ffn_{}.{}", "{}", part, kind));
    }
  }
}

}  // namespace braid::convert
