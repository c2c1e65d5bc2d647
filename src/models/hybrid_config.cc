#include "models/hybrid_config.h"

#include <cmath>

#include "base/format.h"

namespace braid {

std::vector<nn::AttentionConfig> ReadHybridAttention(ConfigReader& reader,
                                                     int width, int layers) {
  nn::AttentionConfig config;
  config.width = width;
  config.heads = reader.Count("attention.head_count");
  const int head_dim = width / config.heads;
  config.key_dim = reader.Count("attention.key_length", head_dim);
  config.value_dim = reader.Count("attention.value_length", head_dim);
  config.scale = 1.0f / std::sqrt(static_cast<float>(config.key_dim));
  std::vector<nn::AttentionConfig> configs;
  for (const int kv_heads :
       reader.PerLayer("attention.head_count_kv", layers)) {
    if (kv_heads != 0 && config.heads % kv_heads != 0) {
      reader.Refuse(
          "attention.head_count_kv",
          Format("{} does not divide head_count {}", kv_heads, config.heads));
    }
    config.kv_heads = kv_heads;
    configs.push_back(config);
  }
  return configs;
}

}  // namespace braid
