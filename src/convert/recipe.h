// Recipe: how one folder becomes a GGUF file, as its family says.
#ifndef BRAID_SRC_CONVERT_RECIPE_H_
#define BRAID_SRC_CONVERT_RECIPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "convert/checkpoint.h"
#include "convert/hf_config.h"
#include "convert/metadata.h"
#include "convert/tensor_rules.h"

namespace braid::convert {

struct Recipe {
  Recipe(std::string folder_in, const HfConfig& config_in,
         const Checkpoint* checkpoint_in, std::string_view architecture)
      : folder(std::move(folder_in)),
        config(config_in),
        checkpoint(checkpoint_in),
        metadata(architecture) {}

  const std::string folder;
  const HfConfig& config;
  // nullptr if only the vocabulary is wanted.
  const Checkpoint* checkpoint;
  Metadata metadata;
  TensorRules rules;
  // The vocabulary of a file without tensors is filled up to a multiple of
  // this; otherwise the rows of the embedding count.
  int64_t vocabulary_multiple = 1;
  // Sentences for whoever converts: what of the folder is not in the file, and
  // what of the file only Braid reads.
  std::vector<std::string> notices;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_RECIPE_H_
