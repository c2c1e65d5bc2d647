// Logits to token: a pure function of the logits, the sequence's own tokens,
// the parameters and the position. No hidden state: the text of a sequence does
// not depend on what else was sampled.
#ifndef BRAID_SAMPLING_H_
#define BRAID_SAMPLING_H_

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "braid/result.h"
#include "braid/types.h"

namespace braid {

// Defaults are those that llama.cpp's users know. The steps apply in this
// order: logit bias, penalties, top-k, typical, top-p, min-p, temperature.
struct SamplingParams {
  uint64_t seed = 0;
  // <= 0: greedy, the most likely token; ties go to the lower id.
  float temperature = 0.8f;
  int top_k = 40;                  // <= 0: all
  float top_p = 0.95f;             // 1: off
  float min_p = 0.05f;             // 0: off
  float typical_p = 1.0f;          // 1: off
  int penalty_window = 64;         // last tokens considered; 0: none, -1: all
  float repeat_penalty = 1.0f;     // 1: off
  float frequency_penalty = 0.0f;  // 0: off
  float presence_penalty = 0.0f;   // 0: off
  std::vector<std::pair<TokenId, float>> logit_bias;  // added to the logit
};

// Are all parameters in range, and the biased tokens in the vocabulary?
Status ValidateSampling(const SamplingParams& params, int vocabulary_size);

// Reusable scratch of SampleToken; one per thread.
class SamplingScratch {
 public:
  SamplingScratch();
  ~SamplingScratch();
  SamplingScratch(SamplingScratch&&) noexcept;
  SamplingScratch& operator=(SamplingScratch&&) noexcept;

  struct Impl;
  Impl& impl();

 private:
  std::unique_ptr<Impl> impl_;
};

// The next token of a sequence whose tokens so far are `history` (the token
// will stand at position history.size(); the random number is a function of
// seed and that position). `logits` has one value per token of the vocabulary;
// NaN counts as minus infinity, and token 0 is the answer when nothing is
// possible. Without logits, and with `params` that ValidateSampling refuses,
// the answer is kNoToken. Tokens of the history that are not in the vocabulary
// are ignored. Throws std::bad_alloc when there is no memory for `scratch` to
// grow. Every filter keeps at least one token. Same inputs, same token, on
// every machine.
TokenId SampleToken(std::span<const float> logits,
                    std::span<const TokenId> history,
                    const SamplingParams& params, SamplingScratch& scratch);

}  // namespace braid

#endif  // BRAID_SAMPLING_H_
