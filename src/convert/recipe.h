// Recipe: how one folder becomes a GGUF file, as its family says.
#ifndef BRAID_SRC_CONVERT_RECIPE_H_
#define BRAID_SRC_CONVERT_RECIPE_H_

#include <string_view>

#include "convert/checkpoint.h"
#include "convert/hf_config.h"
#include "convert/metadata.h"
#include "convert/tensor_rules.h"

namespace braid::convert {

// Special wishes about the vocabulary.
struct VocabularyWishes {
  // Rows of the embedding beyond the tokens get names; so does the vocabulary
  // of a file without tensors, up to a multiple of this.
  int64_t multiple = 1;
  // No space is put before a text, whatever the tokenizer's files say
  // (tokenizer.ggml.add_space_prefix).
  bool no_space_prefix = false;
};

struct Recipe {
  Recipe(const HfConfig& config_in, const Checkpoint* checkpoint_in,
         std::string_view architecture)
      : config(config_in), checkpoint(checkpoint_in), metadata(architecture) {}

  const HfConfig& config;
  // nullptr if only the vocabulary is wanted.
  const Checkpoint* checkpoint;
  Metadata metadata;
  TensorRules rules;
  VocabularyWishes vocabulary;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_RECIPE_H_
