// Mamba (Gu and Dao 2023) and Falcon-Mamba.
#include "convert/families.h"
#include "convert/state_space.h"

namespace braid::convert {

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
  metadata.Number(".attention.layer_norm_rms_epsilon",
                  config.Number("layer_norm_epsilon|rms_norm_eps", 1e-5));
  // Falcon-Mamba normalizes dt, B and C, without weights.
  metadata.Flag(".ssm.dt_b_c_rms",
                config.Text("model_type", "mamba") == "falcon_mamba");
  recipe.vocabulary_multiple = 8;

  AddBackboneRules(recipe);
  AddMambaRules(recipe, "layers.{}.mixer.");
  recipe.rules.Rename("layers.{}.norm.weight", "blk.{}.attn_norm.weight");
}

}  // namespace braid::convert
