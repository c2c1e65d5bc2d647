// OpenELM (Mehta et al. 2024): widths grow from layer to layer.
#include <algorithm>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "convert/families.h"

namespace braid::convert {

namespace {

// The multiple of `divisor` that is nearest to `value`, not less than nine
// tenths of it (the paper's released code).
int64_t MakeDivisible(double value, int64_t divisor) {
  const auto step = static_cast<double>(divisor);
  const int64_t rounded =
      std::max(divisor, ToCount(value + step / 2) / divisor * divisor);
  return static_cast<double>(rounded) < 0.9 * value ? rounded + divisor
                                                    : rounded;
}

// Error unless a list has an entry for each layer.
void CheckLength(const HfConfig& config, std::string_view key, size_t length,
                 int64_t layers) {
  if (static_cast<int64_t>(length) == layers) return;
  config.Fail({Format("config.json: {}: {} entries for {} layers", key, length,
                      layers)});
}

}  // namespace

void DescribeOpenElm(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t layers = config.Layers("num_transformer_layers");
  const int64_t width = config.Count("model_dim");
  const int64_t head_size = config.Count("head_dim");
  const int64_t divisor = std::max<int64_t>(config.Count("ffn_dim_divisor"), 1);
  std::vector<int64_t> hidden;
  for (const double factor : config.Numbers("ffn_multipliers")) {
    hidden.push_back(
        MakeDivisible(factor * static_cast<double>(width), divisor));
  }
  CheckLength(config, "ffn_multipliers", hidden.size(), layers);
  const auto counts = [&](std::string_view key) {
    std::vector<int64_t> numbers = config.Counts(key);
    CheckLength(config, key, numbers.size(), layers);
    return numbers;
  };
  metadata.Count(".block_count", layers);
  metadata.Count(".context_length", config.Count("max_context_length"));
  metadata.Count(".embedding_length", width);
  metadata.Counts(".feed_forward_length", hidden);
  metadata.Counts(".attention.head_count", counts("num_query_heads"));
  metadata.Counts(".attention.head_count_kv", counts("num_kv_heads"));
  metadata.Count(".attention.key_length", head_size);
  metadata.Count(".attention.value_length", head_size);
  metadata.Number(".attention.layer_norm_rms_epsilon", 1e-6);
  metadata.Count(".rope.dimension_count", head_size);
  metadata.Number(".rope.freq_base",
                  config.Number("rope_freq_constant", 10000.0));

  TensorRules& rules = recipe.rules;
  rules.StripPrefix("transformer.");
  rules.Rename("token_embeddings.weight", "token_embd.weight");
  rules.Rename("norm.weight", "output_norm.weight");
  const auto rename = [&rules](std::string_view source,
                               std::string_view target) {
    rules.Rename(Format("layers.{}.{}.weight", "{}", source),
                 Format("blk.{}.{}.weight", "{}", target));
  };
  rename("attn_norm", "attn_norm");
  rename("attn.qkv_proj", "attn_qkv");
  rename("attn.q_norm", "attn_q_norm");
  rename("attn.k_norm", "attn_k_norm");
  rename("attn.out_proj", "attn_output");
  rename("ffn_norm", "ffn_norm");
  rename("ffn.proj_2", "ffn_down");
  // The first half of proj_1 is the gate.
  const auto half = [hidden](int64_t which) {
    return [hidden, which](int64_t layer) -> Transforms {
      const auto at = static_cast<size_t>(layer);
      const int64_t rows = at < hidden.size() ? hidden[at] : 0;
      return {Rows(which * rows, rows)};
    };
  };
  rules.RenameByLayer("layers.{}.ffn.proj_1.weight", "blk.{}.ffn_gate.weight",
                      half(0));
  rules.RenameByLayer("layers.{}.ffn.proj_1.weight", "blk.{}.ffn_up.weight",
                      half(1));
}

}  // namespace braid::convert
