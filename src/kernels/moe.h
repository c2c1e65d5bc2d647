// Mixture of experts: which experts a row goes to, and the sum of what they
// answer (Shazeer et al., "Outrageously Large Neural Networks", 2017, section
// 2; Jiang et al., "Mixtral of Experts", 2024, section 2.1; DeepSeek-AI,
// "DeepSeek-V2", 2024, section 2.2, and "DeepSeek-V3", 2024, section 2.1.2).
//
// The bits of a row depend on that row alone: experts are ranked by score, ties
// go to the lower expert, and their outputs are added in rank order.
#ifndef BRAID_SRC_KERNELS_MOE_H_
#define BRAID_SRC_KERNELS_MOE_H_

#include <cstdint>

#include "base/arena.h"
#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

// How logits become the experts' weights.
enum class ExpertGate {
  kSoftmax,            // over all experts
  kSigmoid,            // of each logit
  kSoftmaxOfSelected,  // experts are ranked by their logits
};

// How a group of experts is ranked against the others.
enum class GroupScore {
  kLargest,     // DeepSeek-V2: its best expert
  kTwoLargest,  // DeepSeek-V3: the sum of its best two
};

struct RoutingConfig {
  int experts = 0;
  int selected = 0;  // per row; at most `experts`
  ExpertGate gate = ExpertGate::kSoftmax;
  // The weights are divided by their sum, then multiplied by `scale`.
  bool normalized = false;
  float scale = 1;
  // Experts stand in `groups` equal ranges; only those of the best
  // `selected_groups` can be selected, which must be `selected` or more.
  int groups = 1;
  int selected_groups = 1;
  GroupScore group_score = GroupScore::kLargest;
};

// Which experts each row goes to, best first, and their weights.
struct Routing {
  int64_t rows = 0;
  int selected = 0;
  int32_t* experts = nullptr;  // [rows][selected]
  float* weights = nullptr;    // [rows][selected]
};

// Fills `routing`, which has room for logits.rows rows. logits: {rows,
// experts}; `bias`: [experts] or null, moves the ranking and not the weights.
// Numeric definition (Sigmoid, Softmax: kernels/element_functions.h,
// elementwise.h) for a row with logits l, ranks r ascending:
//   p = Softmax(l), or Sigmoid(l), or l
//   s = p + bias; NaN ranks as -inf
//   experts[r] = the largest s that is left, of the groups with the largest
//                score; the lower expert or group of equal ones
//   w[r] = p[experts[r]]; kSoftmaxOfSelected: Softmax of these
//   normalized: w[r] /= max(sum of w in rank order from +0, 1e-20)
//   weights[r] = w[r] * scale
// Scratch comes from `arena` and is given back.
void Route(const RoutingConfig& config, ConstRows logits, const float* bias,
           Routing routing, Arena& arena, ThreadPool& threads);

// y[m] = sum over ranks r, ascending, of weights[m][r] * x[places[m][r]], one
// fma per element from +0. x: any number of rows; y: {routing.rows, x.width};
// `places`: [rows][selected]. y must not overlap x.
void SumExperts(Routing routing, const int32_t* places, ConstRows x, Rows y,
                ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_MOE_H_
