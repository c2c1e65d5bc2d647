// What generation_config.json says about sampling.
#ifndef BRAID_SRC_CONVERT_SAMPLING_DEFAULTS_H_
#define BRAID_SRC_CONVERT_SAMPLING_DEFAULTS_H_

#include "braid/result.h"
#include "convert/recipe.h"

namespace braid::convert {

// Writes the keys general.sampling.* that GGUF has for it, if the file says
// that tokens are drawn at all (do_sample), and notes what else would change a
// text. Errors: a number that is none.
Status DescribeSampling(const Json& generation_config, Recipe& recipe);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_SAMPLING_DEFAULTS_H_
