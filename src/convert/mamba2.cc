// Mamba-2 (Dao and Gu 2024), and Mamba-Codestral, whose config says less.
#include "convert/families.h"
#include "convert/state_space.h"

namespace braid::convert {

namespace {

// Where a config is silent.
struct Mamba2Defaults {
  int64_t head_size;
  int64_t groups;
  int64_t state;
};

void Describe(Recipe& recipe, const Mamba2Defaults& defaults) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t width = config.Count("hidden_size|d_model|dim");
  const int64_t inner = config.Count("intermediate_size|d_inner",
                                     config.Count("expand", 2) * width);
  const int64_t head_size =
      config.Count("head_dim|headdim", defaults.head_size);
  if (head_size == 0 || inner % head_size != 0) {
    config.Fail({"config.json: head_dim: does not divide the inner size"});
    return;
  }
  const int64_t groups = config.Count("n_groups|ngroups", defaults.groups);
  CheckInner(config, "num_heads|nheads", head_size, inner);
  CheckInner(config, "expand", width, inner);
  CheckStepLimit(config);
  metadata.Count(".block_count",
                 config.Count("num_hidden_layers|n_layer|n_layers"));
  metadata.Count(".context_length", kUnlimitedContext);
  metadata.Count(".embedding_length", width);
  metadata.Count(".feed_forward_length", 0);
  metadata.Count(".attention.head_count", 0);
  metadata.Count(".ssm.conv_kernel", config.Count("conv_kernel|d_conv", 4));
  metadata.Count(".ssm.inner_size", inner);
  metadata.Count(".ssm.state_size",
                 config.Count("state_size|d_state", defaults.state));
  metadata.Count(".ssm.time_step_rank", inner / head_size);  // heads
  metadata.Count(".ssm.group_count", groups);
  metadata.Number(".attention.layer_norm_rms_epsilon",
                  config.Number("layer_norm_epsilon|rms_norm_eps", 1e-5));
  recipe.vocabulary_multiple = 16;

  AddBackboneRules(recipe);
  AddMamba2Rules(recipe, "layers.{}.mixer.", groups);
  recipe.rules.Rename("layers.{}.norm.weight", "blk.{}.attn_norm.weight");
}

}  // namespace

void DescribeMamba2(Recipe& recipe) {
  Describe(recipe, {.head_size = 64, .groups = 1, .state = 128});
}

void DescribeCodestral(Recipe& recipe) {
  Describe(recipe, {.head_size = 64, .groups = 8, .state = 128});
}

}  // namespace braid::convert
