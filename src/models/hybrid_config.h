// What architectures with attention in some layers have in common, from the
// metadata.
#ifndef BRAID_SRC_MODELS_HYBRID_CONFIG_H_
#define BRAID_SRC_MODELS_HYBRID_CONFIG_H_

#include <vector>

#include "models/config_reader.h"
#include "nn/attention.h"

namespace braid {

// The attention of each layer; one with 0 KV heads has something else instead.
// Keys attention.head_count, attention.head_count_kv (by layer),
// attention.key_length and value_length (missing: width / heads). The scale is
// 1 / sqrt(key_dim), and nothing turns. Errors go to the reader.
std::vector<nn::AttentionConfig> ReadHybridAttention(ConfigReader& reader,
                                                     int width, int layers);

}  // namespace braid

#endif  // BRAID_SRC_MODELS_HYBRID_CONFIG_H_
