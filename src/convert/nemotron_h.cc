// Nemotron-H (NVIDIA 2025): a layer is one of Mamba-2, attention and MLP.
#include <algorithm>
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/families.h"
#include "convert/state_space.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

enum class LayerKind { kMamba2, kAttention, kMlp };

struct LayerWord {
  std::string_view word;
  LayerKind kind;
};
constexpr LayerWord kLayerWords[] = {
    {"M", LayerKind::kMamba2},
    {"mamba", LayerKind::kMamba2},
    {"linear_attention", LayerKind::kMamba2},
    {"*", LayerKind::kAttention},
    {"attention", LayerKind::kAttention},
    {"full_attention", LayerKind::kAttention},
    {"-", LayerKind::kMlp},
    {"mlp", LayerKind::kMlp},
};

// hybrid_override_pattern has a letter for each layer, newer configs a list.
std::vector<LayerKind> LayerKinds(const HfConfig& config) {
  std::vector<std::string> words = config.Texts("layers_block_type");
  for (const char letter : config.Text("hybrid_override_pattern", "")) {
    words.emplace_back(1, letter);
  }
  std::vector<LayerKind> kinds;
  for (const std::string& word : words) {
    const LayerWord* known = nullptr;
    for (const LayerWord& entry : kLayerWords) {
      if (entry.word == word) known = &entry;
    }
    if (known == nullptr) {
      config.Fail(
          {Format("config.json: layers_block_type: \"{}\" is not "
                  "supported; supported are Mamba-2, attention and MLP",
                  word)});
      break;
    }
    kinds.push_back(known->kind);
  }
  if (kinds.empty()) {
    config.Fail(
        {"config.json: neither hybrid_override_pattern nor "
         "layers_block_type says what the layers are"});
  }
  return kinds;
}

// The value of a key that layers of `kind` need; 0 without such layers.
int64_t CountFor(const HfConfig& config, const std::vector<LayerKind>& kinds,
                 LayerKind kind, std::string_view key) {
  const bool needed = std::ranges::find(kinds, kind) != kinds.end();
  return needed ? config.Count(key) : config.Count(key, 0);
}

void DescribeLayers(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  const std::vector<LayerKind> kinds = LayerKinds(config);
  const int64_t heads =
      CountFor(config, kinds, LayerKind::kAttention, "num_key_value_heads");
  const int64_t width =
      CountFor(config, kinds, LayerKind::kMlp, "intermediate_size");
  std::vector<int64_t> kv_heads;
  std::vector<int64_t> hidden;
  for (const LayerKind kind : kinds) {
    kv_heads.push_back(kind == LayerKind::kAttention ? heads : 0);
    hidden.push_back(kind == LayerKind::kMlp ? width : 0);
  }
  const auto layers = static_cast<int64_t>(kinds.size());
  if (config.Count("num_hidden_layers", layers) != layers) {
    config.Fail(
        {Format("config.json: num_hidden_layers: {}, but {} layers are "
                "described",
                config.Count("num_hidden_layers"), layers)});
  }
  Metadata& metadata = recipe.metadata;
  metadata.Count(".block_count", layers);
  metadata.Counts(".attention.head_count_kv", kv_heads);
  metadata.Counts(".feed_forward_length", hidden);
}

}  // namespace

void DescribeNemotronH(Recipe& recipe) {
  const HfConfig& config = recipe.config;
  Metadata& metadata = recipe.metadata;
  const int64_t heads = config.Count("mamba_num_heads");
  const int64_t groups = config.Count("n_groups", 8);
  const double epsilon = config.Number("layer_norm_epsilon|rms_norm_eps", 1e-5);
  DescribeLayers(recipe);
  CheckStepLimit(config);
  const int64_t head_size =
      config.Count("head_dim|attention_head_dim", HeadSize(config));
  metadata.Count(".context_length", config.Count("max_position_embeddings"));
  metadata.Count(".embedding_length", config.Count("hidden_size"));
  metadata.Count(".vocab_size", config.Count("vocab_size"));
  metadata.Count(".attention.head_count", config.Count("num_attention_heads"));
  metadata.Count(".attention.key_length", head_size);
  metadata.Count(".attention.value_length", head_size);
  metadata.Number(".attention.layer_norm_rms_epsilon", epsilon);
  metadata.Number(".attention.layer_norm_epsilon", epsilon);
  metadata.Count(".rope.dimension_count", head_size);
  metadata.Count(".ssm.conv_kernel", config.Count("conv_kernel", 4));
  metadata.Count(".ssm.inner_size", heads * config.Count("mamba_head_dim"));
  metadata.Count(".ssm.state_size", config.Count("ssm_state_size", 128));
  metadata.Count(".ssm.time_step_rank", heads);
  metadata.Count(".ssm.group_count", groups);
  recipe.vocabulary_multiple = 8;

  TensorRules& rules = recipe.rules;
  AddBackboneRules(recipe);
  rules.Rename("layers.{}.norm.weight", "blk.{}.attn_norm.weight");
  AddMamba2Rules(recipe, "layers.{}.mixer.", groups);
  // No rotary positions, so the order of rows within a head does not matter.
  rules.Rename("layers.{}.mixer.q_proj.weight", "blk.{}.attn_q.weight");
  rules.Rename("layers.{}.mixer.k_proj.weight", "blk.{}.attn_k.weight");
  rules.Rename("layers.{}.mixer.v_proj.weight", "blk.{}.attn_v.weight");
  rules.Rename("layers.{}.mixer.o_proj.weight", "blk.{}.attn_output.weight");
  rules.Rename("layers.{}.mixer.up_proj.weight", "blk.{}.ffn_up.weight");
  rules.Rename("layers.{}.mixer.down_proj.weight", "blk.{}.ffn_down.weight");
}

}  // namespace braid::convert
