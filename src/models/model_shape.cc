#include "models/model_shape.h"

#include "models/config_reader.h"

namespace braid {

ModelShape ReadShape(ConfigReader& reader, std::string_view epsilon_key) {
  return {.vocabulary = reader.Vocabulary(),
          .layers = reader.Layers(),
          .width = reader.Count("embedding_length"),
          .trained_context = reader.Count("context_length"),
          .norm_epsilon = reader.Epsilon(epsilon_key)};
}

}  // namespace braid
