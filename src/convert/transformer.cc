#include "convert/transformer.h"

#include <cmath>
#include <numbers>
#include <string>

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

namespace {

// More than any head has.
constexpr int64_t kMaxRotated = 1 << 16;

// The rope settings of a config of either age.
struct RopeSource {
  const Json& parameters;  // rope_parameters, or rope_scaling
  std::string type;        // "default" if there is no scaling

  explicit RopeSource(const HfConfig& config)
      : parameters(config.Get("rope_parameters|rope_scaling")) {
    const Json& name = parameters["rope_type"].IsNull()
                           ? parameters["type"]
                           : parameters["rope_type"];
    type = name.Text() == nullptr ? "default" : *name.Text();
  }

  double Number(std::string_view key, double if_missing) const {
    return parameters[key].Number().value_or(if_missing);
  }
};

// Llama 3.1's divisors: long wavelengths are slowed down by `factor`, short
// ones are kept, those between are mixed.
std::vector<float> Llama3Divisors(const RopeSource& rope, double base,
                                  int64_t dimensions) {
  const double factor = rope.Number("factor", 8.0);
  const double low = rope.Number("low_freq_factor", 1.0);
  const double high = rope.Number("high_freq_factor", 4.0);
  const double trained = rope.Number("original_max_position_embeddings", 8192);
  std::vector<float> divisors;
  for (int64_t i = 0; i < dimensions; i += 2) {
    const double wavelength =
        2 * std::numbers::pi *
        std::pow(base,
                 static_cast<double>(i) / static_cast<double>(dimensions));
    double divisor = 1.0;
    if (wavelength > trained / low) {
      divisor = factor;
    } else if (wavelength >= trained / high) {
      const double smooth = (trained / wavelength - low) / (high - low);
      divisor = 1.0 / ((1.0 - smooth) / factor + smooth);
    }
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

void AddFactors(Recipe& recipe, const Json& factors, std::string_view target,
                int64_t dimensions) {
  std::vector<float> values;
  for (const Json& factor : factors.Elements()) {
    values.push_back(static_cast<float>(factor.Number().value_or(1.0)));
  }
  if (static_cast<int64_t>(values.size()) != dimensions / 2) {
    recipe.config.Fail(
        {Format("config.json: rope factors: {} of them, expected {}",
                values.size(), dimensions / 2)});
    return;
  }
  recipe.rules.Constant(target, {dimensions / 2}, std::move(values));
}

void DescribeLongRope(Recipe& recipe, const RopeSource& rope,
                      int64_t dimensions) {
  const HfConfig& config = recipe.config;
  const double trained =
      rope.Number("original_max_position_embeddings",
                  config.Number("original_max_position_embeddings", 0));
  const double context =
      config.Number("max_position_embeddings|max_seq_len|n_ctx");
  if (trained <= 0) {
    config.Fail(
        {"config.json: longrope without original_max_position_embeddings"});
    return;
  }
  // Phi-3's magnitude, unless the config says otherwise.
  const double scale = context / trained;
  const double magnitude =
      scale <= 1 ? 1.0 : std::sqrt(1 + std::log(scale) / std::log(trained));
  Metadata& metadata = recipe.metadata;
  metadata.Text(".rope.scaling.type", "longrope");
  metadata.Count(".rope.scaling.original_context_length", ToCount(trained));
  metadata.Number(".rope.scaling.attn_factor",
                  rope.Number("attention_factor", magnitude));
  AddFactors(recipe, rope.parameters["long_factor"], "rope_factors_long.weight",
             dimensions);
  AddFactors(recipe, rope.parameters["short_factor"],
             "rope_factors_short.weight", dimensions);
}

}  // namespace

void DescribeRope(Recipe& recipe, int64_t head_size, double default_base) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const RopeSource rope(config);
  const double base = rope.Number(
      "rope_theta", config.Number("rope_theta|rotary_emb_base", default_base));
  const double part = rope.Number("partial_rotary_factor",
                                  config.Number("partial_rotary_factor", 1.0));
  const int64_t dimensions = ToCount(static_cast<double>(head_size) * part);
  if (dimensions < 2 || dimensions > kMaxRotated) {
    config.Fail({Format("config.json: {} rotary dimensions; expected 2 to {}",
                        dimensions, kMaxRotated)});
    return;
  }
  metadata.Count(".rope.dimension_count", dimensions);
  metadata.Number(".rope.freq_base", base);
  if (rope.type == "linear") {
    metadata.Text(".rope.scaling.type", "linear");
    metadata.Number(".rope.scaling.factor", rope.Number("factor", 1.0));
  } else if (rope.type == "yarn") {
    metadata.Text(".rope.scaling.type", "yarn");
    metadata.Number(".rope.scaling.factor", rope.Number("factor", 1.0));
    metadata.Count(".rope.scaling.original_context_length",
                   ToCount(rope.Number("original_max_position_embeddings",
                                       config.Number("max_position_embeddings|"
                                                     "max_seq_len|n_ctx"))));
  } else if (rope.type == "llama3") {
    recipe.rules.Constant("rope_freqs.weight", {dimensions / 2},
                          Llama3Divisors(rope, base, dimensions));
  } else if (rope.type == "longrope" || rope.type == "su") {
    DescribeLongRope(recipe, rope, dimensions);
  } else if (rope.type != "default") {
    config.Fail(
        {Format("config.json: rope_scaling: type {} is not supported; "
                "supported are default, linear, yarn, llama3 and "
                "longrope",
                rope.type)});
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
