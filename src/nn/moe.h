// Moe: a mixture of experts in place of an MLP, with or without experts that
// every row goes to.
//
// Jiang et al., "Mixtral of Experts", 2024, section 2.1; DeepSeek-AI,
// "DeepSeek-V2", 2024, section 2.2.1 (shared experts); Yang et al., "Qwen2
// Technical Report", 2024, section 2.2.2 (their gate).
#ifndef BRAID_SRC_NN_MOE_H_
#define BRAID_SRC_NN_MOE_H_

#include <optional>
#include <vector>

#include "kernels/moe.h"
#include "nn/gated_mlp.h"
#include "ops/moe.h"

namespace braid::nn {

struct MoeConfig {
  int width = 0;
  int hidden = 0;         // of each routed expert
  int shared_hidden = 0;  // of all shared experts together; 0: there are none
  RoutingConfig routing;
};

class Moe {
 public:
  Moe() = default;
  // Tensors ffn_gate_inp {width, experts}, ffn_gate_exps, ffn_up_exps {width,
  // hidden, experts}, ffn_down_exps {hidden, width, experts}; if the source has
  // it exp_probs_b.bias {experts}; with shared experts ffn_gate_shexp,
  // ffn_up_shexp {width, shared_hidden}, ffn_down_shexp {shared_hidden, width};
  // if the source has it ffn_gate_inp_shexp {width}, whose sigmoid says how
  // much of what the shared experts answer a row gets.
  Moe(WeightScope& w, const MoeConfig& config);

  // {rows, width} -> {rows, width}.
  Rows operator()(Compute& compute, ConstRows x) const;

 private:
  // {rows, width} -> {rows, width}: what the shared experts answer.
  Rows RunShared(Compute& compute, ConstRows x) const;
  // {places, width} -> {places, width}: every place by its own expert.
  Rows RunExperts(Compute& compute, const ops::ExpertPlaces& places,
                  ConstRows x) const;

  MoeConfig config_;
  PackedMatrix router_;
  std::vector<float> ranking_bias_;
  std::vector<PackedMatrix> gate_;  // [experts]
  std::vector<PackedMatrix> up_;
  std::vector<PackedMatrix> down_;
  std::optional<GatedMlp> shared_;
  std::optional<PackedMatrix> shared_gate_;  // {width, 1}
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_MOE_H_
