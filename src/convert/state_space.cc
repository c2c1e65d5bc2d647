#include "convert/state_space.h"

#include <string>

#include "base/format.h"

namespace braid::convert {

namespace {

void AddProjectionRules(TensorRules& rules, const std::string& prefix) {
  rules.Rename(prefix + "in_proj.weight", "blk.{}.ssm_in.weight");
  rules.Rename(prefix + "in_proj.bias", "blk.{}.ssm_in.bias");
  rules.Rename(prefix + "out_proj.weight", "blk.{}.ssm_out.weight");
  rules.Rename(prefix + "out_proj.bias", "blk.{}.ssm_out.bias");
}

// {channels, 1, taps}
void AddConvolutionRules(TensorRules& rules, const std::string& prefix) {
  rules.Rename(prefix + "conv1d.weight", "blk.{}.ssm_conv1d.weight",
               {Squeeze()});
  rules.Rename(prefix + "conv1d.bias", "blk.{}.ssm_conv1d.bias");
}

}  // namespace

void CheckStepLimit(const HfConfig& config) {
  const auto limits = config.Get("time_step_limit").Elements();
  if (limits.empty()) return;
  // Infinity is read as null; newer configs have {"__float__": "Infinity"}.
  const auto is_infinite = [](const Json& limit) {
    const std::string* name = limit["__float__"].Text();
    return limit.IsNull() || (name != nullptr && *name == "Infinity");
  };
  if (limits.size() == 2 && limits[0].Number() == 0.0 &&
      is_infinite(limits[1])) {
    return;
  }
  config.Fail(
      {Format("config.json: time_step_limit: {} is not supported; "
              "supported is from 0 to infinity",
              ValueText(config.Get("time_step_limit")))});
}

void CheckInner(const HfConfig& config, std::string_view key, int64_t factor,
                int64_t inner) {
  if (!config.Has(key) || config.Count(key) * factor == inner) return;
  config.Fail(
      {Format("config.json: {}: {} times {} is not the inner width {}",
              key.substr(0, key.find('|')), config.Count(key), factor, inner)});
}

void AddBackboneRules(Recipe& recipe) {
  TensorRules& rules = recipe.rules;
  rules.StripPrefix("model.");
  rules.StripPrefix("backbone.");
  rules.Rename("embeddings.weight", "token_embd.weight");
  rules.Rename("embedding.weight", "token_embd.weight");
  rules.Rename("norm_f.weight", "output_norm.weight");
  rules.Rename("lm_head.weight", "output.weight");
  rules.SkipIfEqual("lm_head.weight", "embeddings.weight");
  rules.SkipIfEqual("lm_head.weight", "embedding.weight");
}

void AddMambaRules(Recipe& recipe, std::string_view prefix) {
  const std::string at(prefix);
  TensorRules& rules = recipe.rules;
  AddProjectionRules(rules, at);
  AddConvolutionRules(rules, at);
  rules.Rename(at + "x_proj.weight", "blk.{}.ssm_x.weight");
  rules.Rename(at + "dt_proj.weight", "blk.{}.ssm_dt.weight");
  rules.Rename(at + "dt_proj.bias", "blk.{}.ssm_dt.bias");
  rules.Rename(at + "A_log", "blk.{}.ssm_a", {MinusExp()});
  rules.Rename(at + "D", "blk.{}.ssm_d");
}

void AddMamba2Rules(Recipe& recipe, std::string_view prefix, int64_t groups) {
  AddProjectionRules(recipe.rules, std::string(prefix));
  AddMamba2StateRules(recipe, prefix, groups);
}

void AddMamba2StateRules(Recipe& recipe, std::string_view prefix,
                         int64_t groups) {
  const std::string at(prefix);
  TensorRules& rules = recipe.rules;
  AddConvolutionRules(rules, at);
  rules.Rename(at + "dt_bias", "blk.{}.ssm_dt.bias");
  rules.Rename(at + "A_log", "blk.{}.ssm_a", {MinusExp(), Reshape({-1, 1})});
  rules.Rename(at + "D", "blk.{}.ssm_d", {Reshape({-1, 1})});
  rules.Rename(at + "norm.weight", "blk.{}.ssm_norm.weight",
               {Reshape({groups, -1})});
}

}  // namespace braid::convert
