// What architectures of attention layers alone have in common, from the
// metadata.
#ifndef BRAID_SRC_MODELS_TRANSFORMER_CONFIG_H_
#define BRAID_SRC_MODELS_TRANSFORMER_CONFIG_H_

#include <vector>

#include "kernels/rope.h"
#include "models/config_reader.h"
#include "nn/attention.h"

namespace braid {

// The attention of each layer. Keys attention.head_count and
// attention.head_count_kv (one number, or one per layer; the latter may be
// missing: as many as heads), attention.key_length and value_length (missing:
// width / heads). The scale is 1 / sqrt(key_dim), `rope` is 0. Errors go to the
// reader; every layer must have heads, and KV heads that divide them.
std::vector<nn::AttentionConfig> ReadAttention(ConfigReader& reader, int width,
                                               int layers);

// Keys rope.dimension_count (missing: head_dim), rope.freq_base and
// rope.scaling.*: none, linear (Chen et al. 2023), yarn (Peng et al. 2023) or
// longrope (Ding et al. 2024). With yarn the magnitude is 1 + 0.1 ln(factor),
// over 1 + 0.1 m ln(factor) if rope.scaling.yarn_log_multiplier is m, times
// ReadYarnMagnitude(). Errors go to the reader.
RopeConfig ReadRope(ConfigReader& reader, int head_dim, RopePairs pairs);

// Which pairs YaRN slows down: keys rope.scaling.yarn_beta_fast,
// yarn_beta_slow, yarn_ext_factor, and yarn_truncate, which is Braid's own and
// true if missing. `trained` is the context of the first training.
YarnConfig ReadYarnRamp(ConfigReader& reader, int trained);

// What a file with YaRN multiplies cosines and sines by beside the temperature
// of its architecture: rope.scaling.attn_factor times yarn_attn_factor, 1 if
// missing.
double ReadYarnMagnitude(ConfigReader& reader);

// `rope` with the divisors of its angles, if the file has some: tensor
// rope_freqs.weight {rotated / 2}, or rope_factors_long.weight and
// rope_factors_short.weight.
RopeConfig WithRopeFactors(WeightScope& w, RopeConfig rope);

}  // namespace braid

#endif  // BRAID_SRC_MODELS_TRANSFORMER_CONFIG_H_
