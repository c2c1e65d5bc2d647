// What most families with attention have in common: keys, and the names that
// Llama's checkpoints made usual.
#ifndef BRAID_SRC_CONVERT_TRANSFORMER_H_
#define BRAID_SRC_CONVERT_TRANSFORMER_H_

#include <cstdint>
#include <string_view>

#include "base/function_ref.h"
#include "convert/recipe.h"

namespace braid::convert {

// block_count, context_length, embedding_length, feed_forward_length.
void DescribeSizes(Recipe& recipe);

// attention.head_count, head_count_kv, and the epsilon of RMS norms.
void DescribeAttention(Recipe& recipe);

// The width of an attention head: head_dim, or the embedding's share.
int64_t HeadSize(const HfConfig& config);

struct RopeReading {
  double base = 10000.0;  // if the config has none
  // The member of rope_parameters that counts, where they differ by the kind of
  // layer.
  std::string_view layer_type = {};
  // Readers multiply cosines and sines by 1 + 0.1 ln(factor) when a file with
  // YaRN says nothing of it; else by 1.
  bool readers_add_temperature = true;
};

// rope.dimension_count, rope.freq_base and the scaling: rope_parameters of
// newer configs, rope_theta and rope_scaling of older ones. Scalings that are
// divisors per frequency (llama3, longrope) become tensors.
void DescribeRope(Recipe& recipe, int64_t head_size,
                  const RopeReading& reading = {});

// Fails unless layer_types, if the config has it, names for every layer the
// type that `expected` gives.
void CheckLayerTypes(const HfConfig& config,
                     FunctionRef<std::string_view(int64_t layer)> expected);

// expert_count and expert_used_count, if there are experts.
void DescribeExperts(Recipe& recipe);

// embed_tokens, norm, lm_head; prefixes are stripped. An lm_head that repeats
// the embedding is left out: in GGUF an absent output matrix means just that.
// `norm` is what the last norm's weights go through.
void AddModelRules(Recipe& recipe, const Transforms& norm = {});

// layers.{}.self_attn.*; with `pair_rows` query and key rows are reordered for
// interleaved rotary pairs.
enum class RotaryRows { kAsStored, kPaired };
void AddAttentionRules(Recipe& recipe, RotaryRows rows);

// `prefix`{gate,up,down}_proj.weight, stacked; the second "{}" of the prefix is
// the expert.
void AddExpertRules(Recipe& recipe, std::string_view prefix);

// `prefix`{gate,up,down}_proj of layer {}, "layers.{}.mlp." for most.
void AddGatedMlpRules(Recipe& recipe, std::string_view prefix);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_TRANSFORMER_H_
