#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

// More than any head has.
constexpr int64_t kMaxRotated = 1 << 16;

constexpr std::string_view kContext =
    "max_position_embeddings|max_seq_len|n_ctx";

// The rope settings of a config of either age.
class RopeSource {
 public:
  RopeSource(const HfConfig& config, std::string_view layer_type)
      : config_(config) {
    const std::string own = Format("rope_parameters.{}.", layer_type);
    const bool differs =
        !layer_type.empty() &&
        config.Has(Format("{}rope_type|{}type|{}rope_theta", own, own, own));
    place_ = differs ? own : "rope_parameters.";
    // A config may have both, if they agree.
    others_ = differs ? "" : "rope_scaling.";
    type_ = config.Text(Format("{}|{}", Names("rope_type"), Names("type")),
                        "default");
  }

  const std::string& type() const { return type_; }

  // `key` in both places, as HfConfig takes it.
  std::string Names(std::string_view key) const {
    std::string names = place_ + std::string(key);
    if (!others_.empty()) names += Format("|{}{}", others_, key);
    return names;
  }
  double Number(std::string_view key, double if_missing) const {
    return config_.Number(Names(key), if_missing);
  }
  // The same; `outer` are names of the config itself for it.
  double Number(std::string_view key, std::string_view outer,
                double if_missing) const {
    return config_.Number(Format("{}|{}", Names(key), outer), if_missing);
  }

 private:
  const HfConfig& config_;
  std::string place_;
  std::string others_;
  std::string type_;
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

void AddFactors(Recipe& recipe, const std::string& names,
                std::string_view target, int64_t dimensions) {
  std::vector<float> values;
  for (const double factor : recipe.config.Numbers(names)) {
    values.push_back(static_cast<float>(factor));
  }
  if (static_cast<int64_t>(values.size()) != dimensions / 2) {
    recipe.config.Fail(
        {Format("config.json: rope factors: {} of them, expected {}",
                values.size(), dimensions / 2)});
    return;
  }
  recipe.rules.Constant(target, {dimensions / 2}, std::move(values));
}

// The context of the first training, above 0.
double Trained(const HfConfig& config, const RopeSource& rope,
               double if_missing) {
  const double trained =
      rope.Number("original_max_position_embeddings",
                  "original_max_position_embeddings", if_missing);
  if (trained >= 1) return trained;
  config.Fail(
      {Format("config.json: {} without an original_max_position_"
              "embeddings above 0",
              rope.type())});
  return 1;
}

void DescribeLongRope(Recipe& recipe, const RopeSource& rope,
                      int64_t dimensions) {
  const HfConfig& config = recipe.config;
  const double trained = Trained(config, rope, 0);
  // Phi-3's magnitude, unless the config says otherwise.
  const double scale = rope.Number("factor", config.Number(kContext) / trained);
  const double magnitude =
      scale <= 1 ? 1.0 : std::sqrt(1 + std::log(scale) / std::log(trained));
  Metadata& metadata = recipe.metadata;
  metadata.Text(".rope.scaling.type", "longrope");
  metadata.Count(".rope.scaling.original_context_length", ToCount(trained));
  metadata.Number(".rope.scaling.attn_factor",
                  rope.Number("attention_factor", magnitude));
  AddFactors(recipe, rope.Names("long_factor"), "rope_factors_long.weight",
             dimensions);
  AddFactors(recipe, rope.Names("short_factor"), "rope_factors_short.weight",
             dimensions);
}

// YaRN's temperature: 1 + 0.1 slope ln(factor), 1 for a factor up to 1.
double Temperature(double factor, double slope = 1.0) {
  return factor <= 1 ? 1.0 : 1.0 + 0.1 * slope * std::log(factor);
}

// What transformers multiplies cosines and sines by.
double YarnMagnitude(const RopeSource& rope, double factor) {
  const double slope = rope.Number("mscale", 0);
  const double slope_of_all = rope.Number("mscale_all_dim", 0);
  const double usual =
      slope != 0 && slope_of_all != 0
          ? Temperature(factor, slope) / Temperature(factor, slope_of_all)
          : Temperature(factor);
  return rope.Number("attention_factor", usual);
}

// Writes what differs from YaRN's defaults, 32 and 1 turns.
void DescribeTurns(Recipe& recipe, const RopeSource& rope) {
  struct Bound {
    std::string_view key;
    std::string_view name;
    double usual;
  };
  bool differs = false;
  for (const auto& [key, name, usual] :
       {Bound{"beta_fast", ".rope.scaling.yarn_beta_fast", 32},
        Bound{"beta_slow", ".rope.scaling.yarn_beta_slow", 1}}) {
    const double turns = rope.Number(key, usual);
    if (turns == usual || turns == 0) continue;  // 0: not said
    recipe.metadata.Number(name, turns);
    differs = true;
  }
  if (!recipe.config.Flag(rope.Names("truncate"), true)) {
    recipe.metadata.Flag(".rope.scaling.yarn_truncate", false);
    differs = true;
  }
  if (differs) {
    recipe.notices.emplace_back(
        "beta_fast, beta_slow and truncate of YaRN are in the file; many other "
        "programs do not read them and compute with 32, 1 and true");
  }
}

void DescribeYarn(Recipe& recipe, const RopeSource& rope,
                  bool readers_add_temperature) {
  const HfConfig& config = recipe.config;
  const double context = config.Number(kContext);
  const double trained = Trained(config, rope, context);
  const double factor = rope.Number("factor", context / trained);
  const double magnitude = YarnMagnitude(rope, factor);
  if (factor <= 0 || magnitude <= 0) {
    config.Fail(
        {Format("config.json: rope_scaling: factor {}, magnitude {}; "
                "expected numbers above 0",
                factor, magnitude)});
    return;
  }
  Metadata& metadata = recipe.metadata;
  metadata.Text(".rope.scaling.type", "yarn");
  metadata.Number(".rope.scaling.factor", factor);
  metadata.Count(".rope.scaling.original_context_length", ToCount(trained));
  const double assumed = readers_add_temperature ? Temperature(factor) : 1.0;
  if (magnitude != assumed) {
    metadata.Number(".rope.scaling.attn_factor", magnitude / assumed);
  }
  DescribeTurns(recipe, rope);
}

void DescribeScaling(Recipe& recipe, const RopeSource& rope, double base,
                     int64_t dimensions, bool readers_add_temperature) {
  if (rope.type() == "linear") {
    recipe.metadata.Text(".rope.scaling.type", "linear");
    recipe.metadata.Number(".rope.scaling.factor", rope.Number("factor", 1.0));
  } else if (rope.type() == "yarn") {
    DescribeYarn(recipe, rope, readers_add_temperature);
  } else if (rope.type() == "llama3") {
    recipe.rules.Constant("rope_freqs.weight", {dimensions / 2},
                          Llama3Divisors(rope, base, dimensions));
  } else if (rope.type() == "longrope" || rope.type() == "su") {
    DescribeLongRope(recipe, rope, dimensions);
  } else if (rope.type() != "default") {
    recipe.config.Fail(
        {Format("config.json: rope_scaling: type {} is not supported; "
                "supported are default, linear, yarn, llama3 and "
                "longrope",
                rope.type())});
  }
}

}  // namespace

void DescribeRope(Recipe& recipe, int64_t head_size,
                  const RopeReading& reading) {
  const HfConfig& config = recipe.config;
  const RopeSource rope(config, reading.layer_type);
  const double base =
      rope.Number("rope_theta", "rope_theta|rotary_emb_base", reading.base);
  const double part =
      rope.Number("partial_rotary_factor", "partial_rotary_factor", 1.0);
  const int64_t dimensions = ToCount(static_cast<double>(head_size) * part);
  if (dimensions < 2 || dimensions > kMaxRotated) {
    config.Fail({Format("config.json: {} rotary dimensions; expected 2 to {}",
                        dimensions, kMaxRotated)});
    return;
  }
  recipe.metadata.Count(".rope.dimension_count", dimensions);
  recipe.metadata.Number(".rope.freq_base", base);
  DescribeScaling(recipe, rope, base, dimensions,
                  reading.readers_add_temperature);
}

}  // namespace braid::convert
