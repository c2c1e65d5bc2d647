// The recurrences of RWKV-6 "Finch" (Peng et al., "Eagle and Finch", 2024,
// section 4) and RWKV-7 "Goose" (Peng et al., 2025, section 4), and the element
// functions of their decays.
#ifndef BRAID_SRC_KERNELS_WKV_H_
#define BRAID_SRC_KERNELS_WKV_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "kernels/conv.h"
#include "tensor/rows.h"

namespace braid {

struct WkvShape {
  int heads = 0;
  int head_size = 0;  // channels of a head: keys and values alike

  int64_t channels() const { return int64_t{heads} * head_size; }
  // Floats of one head's state, [values / 16, rounded up][keys][16 values],
  // and of a sequence's, [heads] of these.
  int64_t HeadFloats() const {
    return (int64_t{head_size} + 15) / 16 * 16 * head_size;
  }
  size_t StateFloats() const {
    return static_cast<size_t>(heads) * static_cast<size_t>(HeadFloats());
  }
};

// What both recurrences read; rows {rows, heads * head_size}.
struct WkvInputs {
  ConstRows receptance;
  ConstRows key;
  ConstRows value;
  ConstRows decay;  // in [0, 1]
};

// For each row of a run, in order, per head, key channel i and value channel j:
//   kv = k[i] * v[j]
//   y[j] = sum over i ascending of r[i] * fma(first[i], kv, S[i][j])
//   S[i][j] = fma(w[i], S[i][j], kv)
// The sum is a chain of fma from +0. first: [heads * head_size], how much the
// row itself counts. States are StateFloats() long, float32. y is none of the
// inputs.
void Wkv6(const WkvShape& shape, std::span<const StateRun> runs,
          const WkvInputs& inputs, const float* first, Rows y,
          ThreadPool& threads);

// The same with the generalised delta rule: what the state answers to `removal`
// (kappa, of length 1 in every head) is removed at `rate` (a, in [0, 1]).
//   removed = sum over i ascending of kappa[i] * S[i][j]
//   S[i][j] = fma(w[i], S[i][j], k[i] * v[j] - removed * (kappa[i] * a[i]))
//   y[j] = sum over i ascending of r[i] * S[i][j]
// The difference is fma(-removed, kappa a, k v).
void Wkv7(const WkvShape& shape, std::span<const StateRun> runs,
          const WkvInputs& inputs, ConstRows removal, ConstRows rate, Rows y,
          ThreadPool& threads);

// y += v * sum(r * k * weight), the sum over each head's channels: lane =
// fma(r * k, weight, lane) over 16 virtual lanes and the tree. weight: [heads *
// head_size].
void Wkv7AddBonus(const WkvShape& shape, const WkvInputs& inputs,
                  const float* weight, Rows y, ThreadPool& threads);

// y = exp(-exp(x)). y may be x.
void Wkv6Decay(ConstRows x, Rows y, ThreadPool& threads);

// y = exp(-0.606531 * sigmoid(x)), the constant being exp(-1/2) as the
// published models round it. y may be x.
void Wkv7Decay(ConstRows x, Rows y, ThreadPool& threads);
inline constexpr float kWkv7DecayScale = -0.606531f;

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_WKV_H_
