#include "apps/braid/next_token.h"

#include <algorithm>
#include <cmath>

#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

Result<TokenId> NextToken(std::span<const float> logits,
                          std::span<const TokenId> history,
                          const SamplingParams& params,
                          SamplingScratch& scratch) {
  if (std::ranges::any_of(logits, [](float x) { return std::isnan(x); })) {
    return Error{Format(
        "the model's logits after {} are NaN: its file is damaged, or its "
        "numbers overflow",
        Counted(static_cast<int64_t>(history.size()), "token"))};
  }
  const TokenId token = SampleToken(logits, history, params, scratch);
  float score = logits[static_cast<size_t>(token)];
  for (const auto& [biased, bias] : params.logit_bias) {
    if (biased == token) score += bias;
  }
  if (score > -INFINITY) return token;
  return Error{
      Format("nothing can follow {}: every token is forbidden (--logit-bias, "
             "--ignore-eos)",
             Counted(static_cast<int64_t>(history.size()), "token"))};
}

}  // namespace braid::cli
