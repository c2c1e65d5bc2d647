// LFM2 (Liquid AI 2025): gated short convolutions, attention in some layers.
#include <algorithm>
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/families.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

// layer_types, or the layers that full_attn_idxs lists.
std::vector<int64_t> KvHeads(const HfConfig& config) {
  const int64_t layers = config.Layers("num_hidden_layers");
  const int64_t heads = config.Count("num_key_value_heads");
  const std::vector<std::string> types = config.Texts("layer_types");
  if (!types.empty() && static_cast<int64_t>(types.size()) != layers) {
    config.Fail({Format("config.json: layer_types: {} entries for {} layers",
                        types.size(), layers)});
  }
  for (const std::string& type : types) {
    if (type == "conv" || type == "full_attention") continue;
    config.Fail(
        {Format("config.json: layer_types: {} is not supported; "
                "supported are conv and full_attention",
                type)});
  }
  const std::vector<double> attending = config.Numbers("full_attn_idxs");
  std::vector<int64_t> kv_heads;  // 0: a short convolution
  for (int64_t layer = 0; layer < layers; ++layer) {
    const bool attends =
        types.empty()
            ? std::ranges::find(attending, static_cast<double>(layer)) !=
                  attending.end()
            : layer < static_cast<int64_t>(types.size()) &&
                  types[static_cast<size_t>(layer)] == "full_attention";
    kv_heads.push_back(attends ? heads : 0);
  }
  return kv_heads;
}

// The width of the MLP: two thirds of what is configured, times a factor,
// rounded up.
int64_t HiddenSize(const HfConfig& config) {
  int64_t hidden = config.Count("block_ff_dim|intermediate_size");
  if (!config.Flag("block_auto_adjust_ff_dim", true)) return hidden;
  hidden = 2 * hidden / 3;
  hidden = ToCount(config.Number("block_ffn_dim_multiplier", 1.0) *
                   static_cast<double>(hidden));
  const int64_t multiple =
      std::max<int64_t>(config.Count("block_multiple_of", 256), 1);
  return (hidden + multiple - 1) / multiple * multiple;
}

}  // namespace

void DescribeLfm2(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  metadata.Count(".block_count", config.Count("num_hidden_layers"));
  metadata.Count(".context_length", config.Count("max_position_embeddings"));
  // Widths that could differ and never do.
  metadata.Count(".embedding_length",
                 config.Count("hidden_size|block_dim|conv_dim|conv_dim_out"));
  metadata.Count(".feed_forward_length", HiddenSize(config));
  metadata.Count(".vocab_size", config.Count("vocab_size"));
  DescribeAttention(recipe);
  config.Count("num_attention_heads|num_heads");
  metadata.Number(".attention.layer_norm_rms_epsilon",
                  config.Number("norm_eps|block_norm_eps", 1e-5));
  metadata.Counts(".attention.head_count_kv", KvHeads(config));
  metadata.Count(".shortconv.l_cache", config.Count("conv_L_cache", 3));
  DescribeRope(recipe, HeadSize(config), {.base = config.Number("theta", 1e6)});

  TensorRules& rules = recipe.rules;
  AddModelRules(recipe);
  const auto rename = [&rules](std::string_view source, std::string_view target,
                               const Transforms& transforms = {}) {
    rules.Rename(Format("layers.{}.{}.weight", "{}", source),
                 Format("blk.{}.{}.weight", "{}", target), transforms);
  };
  // The last norm, in spite of both its names.
  rules.Rename("embedding_norm.weight", "token_embd_norm.weight");
  rename("operator_norm", "attn_norm");
  rename("conv.in_proj", "shortconv.in_proj");
  rename("conv.conv", "shortconv.conv", {Squeeze()});
  rename("conv.out_proj", "shortconv.out_proj");
  AddAttentionRules(recipe, RotaryRows::kAsStored);
  rename("self_attn.out_proj", "attn_output");
  rename("self_attn.q_layernorm", "attn_q_norm");
  rename("self_attn.k_layernorm", "attn_k_norm");
  rename("ffn_norm", "ffn_norm");
  rename("feed_forward.w1", "ffn_gate");
  rename("feed_forward.w3", "ffn_up");
  rename("feed_forward.w2", "ffn_down");
}

}  // namespace braid::convert
