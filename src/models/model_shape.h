// ModelShape: what every architecture has, and the keys that say it.
#ifndef BRAID_SRC_MODELS_MODEL_SHAPE_H_
#define BRAID_SRC_MODELS_MODEL_SHAPE_H_

#include <string_view>

namespace braid {

class ConfigReader;

struct ModelShape {
  int vocabulary = 0;       // rows of token_embd.weight
  int layers = 0;           // block_count
  int width = 0;            // embedding_length
  int trained_context = 0;  // context_length: tokens that it learned to see
  float norm_epsilon = 0;
};

inline constexpr std::string_view kRmsEpsilon =
    "attention.layer_norm_rms_epsilon";
inline constexpr std::string_view kLayerNormEpsilon =
    "attention.layer_norm_epsilon";

// Errors go to the reader.
ModelShape ReadShape(ConfigReader& reader,
                     std::string_view epsilon_key = kRmsEpsilon);

}  // namespace braid

#endif  // BRAID_SRC_MODELS_MODEL_SHAPE_H_
