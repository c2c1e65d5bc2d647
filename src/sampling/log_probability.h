// How likely a token is, by the logits of the row before it.
#ifndef BRAID_SRC_SAMPLING_LOG_PROBABILITY_H_
#define BRAID_SRC_SAMPLING_LOG_PROBABILITY_H_

#include <span>

#include "braid/types.h"

namespace braid {

// ln softmax(logits)[token], in double precision: logits[token] - max - ln(sum
// of e^(logits[i] - max), i ascending). `token` is an index of `logits`.
double LogProbability(std::span<const float> logits, TokenId token);

}  // namespace braid

#endif  // BRAID_SRC_SAMPLING_LOG_PROBABILITY_H_
