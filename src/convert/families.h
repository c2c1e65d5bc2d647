// The table of what can be converted: Hugging Face's name of an architecture,
// GGUF's name, and the function that knows both.
#ifndef BRAID_SRC_CONVERT_FAMILIES_H_
#define BRAID_SRC_CONVERT_FAMILIES_H_

#include <span>
#include <string_view>

#include "braid/result.h"
#include "convert/recipe.h"

namespace braid::convert {

struct Family {
  std::string_view hf_architecture;  // an entry of `architectures`
  std::string_view architecture;     // general.architecture
  // Fills in metadata and rules. What it misses in the config it leaves to
  // config.Fail().
  void (*describe)(Recipe& recipe);
};

std::span<const Family> Families();

// The family of a config. Codestral is told from other Mamba-2 models by what
// it is. Error: the name is unknown; those that are supported.
Result<const Family*> FindFamily(const HfConfig& config);

// One function per family; each is in the file of that name.
void DescribeLlama(Recipe& recipe);  // llama.cc
void DescribeMamba(Recipe& recipe);  // mamba.cc

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_FAMILIES_H_
