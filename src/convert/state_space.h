// What families with Mamba and Mamba-2 mixers have in common.
#ifndef BRAID_SRC_CONVERT_STATE_SPACE_H_
#define BRAID_SRC_CONVERT_STATE_SPACE_H_

#include <cstdint>
#include <string_view>

#include "convert/recipe.h"

namespace braid::convert {

// What files say of models that remember in a state of fixed size.
inline constexpr int64_t kUnlimitedContext = 1 << 20;

// Fails unless time_step_limit, if the config has it, is from 0 to infinity:
// readers do not clamp the step.
void CheckStepLimit(const HfConfig& config);

// Fails unless the value of `key`, if it is there, times `factor` is `inner`,
// the width inside of a mixer.
void CheckInner(const HfConfig& config, std::string_view key, int64_t factor,
                int64_t inner);

// embeddings, norm_f, lm_head; an lm_head that repeats the embedding is left
// out.
void AddBackboneRules(Recipe& recipe);

// A mixer of Mamba at `prefix`, such as "layers.{}.mixer.".
void AddMambaRules(Recipe& recipe, std::string_view prefix);

// A mixer of Mamba-2 at `prefix`. `groups` is the number of groups of its gated
// norm.
void AddMamba2Rules(Recipe& recipe, std::string_view prefix, int64_t groups);

// The same without the two projections.
void AddMamba2StateRules(Recipe& recipe, std::string_view prefix,
                         int64_t groups);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_STATE_SPACE_H_
