// Mamba (Gu and Dao 2023) and Falcon-Mamba.
#include "base/format.h"
#include "convert/families.h"
#include "convert/state_space.h"

namespace braid::convert {

namespace {

// Falcon-Mamba normalizes dt, B and C, without weights.
void DescribeSmallNorms(Recipe& recipe, double epsilon) {
  const HfConfig& config = recipe.config;
  const bool falcon = config.Architecture() == "FalconMambaForCausalLM" ||
                      config.Text("model_type", "mamba") == "falcon_mamba";
  recipe.metadata.Flag(".ssm.dt_b_c_rms", falcon);
  if (!falcon) return;
  const double own = config.Number("mixer_rms_eps", 1e-6);
  if (own == epsilon) return;
  recipe.metadata.Number(".ssm.dt_b_c_rms_epsilon", own);
  recipe.notices.push_back(
      Format("mixer_rms_eps: {} is in the file; other programs do not read it "
             "and take layer_norm_epsilon, {}",
             own, epsilon));
}

}  // namespace

void DescribeMamba(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t width = config.Count("hidden_size|d_model");
  const int64_t inner = config.Count("intermediate_size|d_inner",
                                     config.Count("expand", 2) * width);
  metadata.Count(".block_count", config.Count("num_hidden_layers|n_layer"));
  metadata.Count(".context_length", kUnlimitedContext);
  metadata.Count(".embedding_length", width);
  metadata.Count(".feed_forward_length", 0);
  metadata.Count(".attention.head_count", 0);
  metadata.Count(".ssm.conv_kernel", config.Count("conv_kernel|d_conv", 4));
  metadata.Count(".ssm.inner_size", inner);
  metadata.Count(".ssm.state_size", config.Count("state_size|d_state", 16));
  metadata.Count(".ssm.time_step_rank",
                 config.Count("time_step_rank|dt_rank", (width + 15) / 16));
  const double epsilon = config.Number("layer_norm_epsilon|rms_norm_eps", 1e-5);
  metadata.Number(".attention.layer_norm_rms_epsilon", epsilon);
  DescribeSmallNorms(recipe, epsilon);
  recipe.vocabulary_multiple = 8;

  AddBackboneRules(recipe);
  AddMambaRules(recipe, "layers.{}.mixer.");
  recipe.rules.Rename("layers.{}.norm.weight", "blk.{}.attn_norm.weight");
}

}  // namespace braid::convert
