// NextToken: the next token of a text, or why there is none.
#ifndef BRAID_APPS_BRAID_NEXT_TOKEN_H_
#define BRAID_APPS_BRAID_NEXT_TOKEN_H_

#include <span>

#include "braid/result.h"
#include "braid/sampling.h"

namespace braid::cli {

// As SampleToken. Errors: a logit is NaN, or every token is impossible, where
// SampleToken would still give one.
Result<TokenId> NextToken(std::span<const float> logits,
                          std::span<const TokenId> history,
                          const SamplingParams& params,
                          SamplingScratch& scratch);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_NEXT_TOKEN_H_
