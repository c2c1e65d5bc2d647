#include "braid/sampling.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "base/format.h"
#include "base/fp_guard.h"
#include "base/random.h"
#include "base/try.h"
#include "sampling/candidates.h"

namespace braid {

namespace {

// Keeps these numbers apart from others that are drawn with the same seed.
constexpr uint64_t kStream = 0x73616D706C696E67;  // "sampling"

}  // namespace

struct SamplingScratch::Impl {
  std::vector<double> scores;   // [vocabulary]
  std::vector<int32_t> counts;  // [vocabulary] all zero between calls
  Candidates candidates;
};

SamplingScratch::SamplingScratch() : impl_(std::make_unique<Impl>()) {}
SamplingScratch::~SamplingScratch() = default;
SamplingScratch::SamplingScratch(SamplingScratch&&) noexcept = default;
SamplingScratch& SamplingScratch::operator=(SamplingScratch&&) noexcept =
    default;

SamplingScratch::Impl& SamplingScratch::impl() {
  // Moved from.
  if (impl_ == nullptr) impl_ = std::make_unique<Impl>();
  return *impl_;
}

namespace {

Status CheckFinite(const char* name, float value) {
  if (std::isfinite(value)) return {};
  return Error{Format("{}: must be finite, is {}", name, value)};
}

Status CheckProbability(const char* name, float value) {
  if (value >= 0 && value <= 1) return {};
  return Error{Format("{}: must be between 0 and 1, is {}", name, value)};
}

}  // namespace

Status ValidateSampling(const SamplingParams& params, int vocabulary_size) {
  BRAID_TRY(CheckFinite("temperature", params.temperature));
  BRAID_TRY(CheckProbability("top_p", params.top_p));
  BRAID_TRY(CheckProbability("min_p", params.min_p));
  BRAID_TRY(CheckProbability("typical_p", params.typical_p));
  if (params.penalty_window < -1) {
    return Error{Format("penalty_window: must be -1 (all) or more, is {}",
                        params.penalty_window)};
  }
  if (!std::isnormal(params.repeat_penalty) || params.repeat_penalty < 0) {
    return Error{Format("repeat_penalty: must be positive and finite, is {}",
                        params.repeat_penalty)};
  }
  BRAID_TRY(CheckFinite("frequency_penalty", params.frequency_penalty));
  BRAID_TRY(CheckFinite("presence_penalty", params.presence_penalty));
  for (const auto& [token, bias] : params.logit_bias) {
    if (token < 0 || token >= vocabulary_size) {
      return Error{Format("logit_bias: token {}, the vocabulary has {} tokens",
                          token, vocabulary_size)};
    }
    // Minus infinity forbids a token.
    if (std::isnan(bias) || bias == INFINITY) {
      return Error{
          Format("logit_bias: the bias of token {} must be a number "
                 "or minus infinity, is {}",
                 token, bias)};
    }
  }
  return {};
}

namespace {

void ReadLogits(std::span<const float> logits, std::vector<double>& scores) {
  scores.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    const double logit = static_cast<double>(logits[i]);
    scores[i] = std::isnan(logit)
                    ? -INFINITY
                    : std::min(logit, static_cast<double>(FLT_MAX));
  }
}

std::span<const TokenId> PenaltyWindow(std::span<const TokenId> history,
                                       int window) {
  if (window < 0) return history;
  return history.last(std::min(history.size(), static_cast<size_t>(window)));
}

// Repetition: Keskar et al., "CTRL", 2019, with the usual correction for
// negative logits (both move away from likely). Frequency and presence: the
// definitions of OpenAI's API.
void Penalise(std::span<const TokenId> history, const SamplingParams& params,
              std::vector<int32_t>& counts, std::span<double> scores) {
  if (params.repeat_penalty == 1 && params.frequency_penalty == 0 &&
      params.presence_penalty == 0) {
    return;
  }
  counts.resize(std::max(counts.size(), scores.size()), 0);
  const auto known = [&](TokenId token) {
    return token >= 0 && static_cast<size_t>(token) < scores.size();
  };
  for (TokenId token : history) {
    if (known(token)) ++counts[token];
  }
  for (TokenId token : history) {
    if (!known(token)) continue;
    const int32_t count = std::exchange(counts[token], 0);
    if (count == 0) continue;
    double& score = scores[token];
    score = score > 0 ? score / params.repeat_penalty
                      : score * params.repeat_penalty;
    score -= static_cast<double>(params.frequency_penalty) * count;
    score -= static_cast<double>(params.presence_penalty);
  }
}

}  // namespace

TokenId SampleToken(std::span<const float> logits,
                    std::span<const TokenId> history,
                    const SamplingParams& params, SamplingScratch& scratch) {
  const int vocabulary_size = static_cast<int>(logits.size());
  if (logits.empty() || !ValidateSampling(params, vocabulary_size).ok()) {
    return kNoToken;
  }
  // One mode for all threads; denormal logits count as zero.
  const FloatGuard guard;
  auto& [scores, counts, candidates] = scratch.impl();

  ReadLogits(logits, scores);
  for (const auto& [token, bias] : params.logit_bias) {
    scores[token] += static_cast<double>(bias);
  }
  Penalise(PenaltyWindow(history, params.penalty_window), params, counts,
           scores);

  // The first of the largest. Nothing can be drawn when all are impossible.
  const auto best = std::max_element(scores.begin(), scores.end());
  if (params.temperature <= 0 || *best == -INFINITY) {
    return static_cast<TokenId>(best - scores.begin());
  }

  candidates.SelectTopK(scores, params.top_k);
  if (params.typical_p < 1) candidates.KeepTypical(params.typical_p);
  if (params.top_p < 1) candidates.KeepTopP(params.top_p);
  if (params.min_p > 0) candidates.KeepMinP(params.min_p);
  return candidates.Draw(params.temperature,
                         RandomUniform(params.seed, kStream, history.size()));
}

}  // namespace braid
