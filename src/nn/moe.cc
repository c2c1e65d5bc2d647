#include "nn/moe.h"

#include "ops/ops.h"
#include "ops/recurrent.h"

namespace braid::nn {

namespace {

template <class R>
R Slice(R rows, int64_t begin, int64_t end) {
  return {rows.row(begin), end - begin, rows.width, rows.stride};
}

// y = W x, each expert's matrix for the places of that expert.
void MatMulByExpert(Compute& compute, const std::vector<PackedMatrix>& experts,
                    const ops::ExpertPlaces& places, ConstRows x, Rows y) {
  ReserveMatMul(experts.front(), x.rows, compute.arena, compute.threads);
  for (size_t e = 0; e < experts.size(); ++e) {
    const int64_t begin = places.begin[e];
    const int64_t end = places.begin[e + 1];
    if (begin == end) continue;
    ops::MatMulInto(compute, experts[e], Slice(x, begin, end),
                    Slice(y, begin, end));
  }
}

}  // namespace

Moe::Moe(WeightScope& w, const MoeConfig& config)
    : config_(config),
      router_(w.Matrix("ffn_gate_inp.weight", config.width,
                       config.routing.experts)),
      gate_(w.Matrices("ffn_gate_exps.weight", config.width, config.hidden,
                       config.routing.experts)),
      up_(w.Matrices("ffn_up_exps.weight", config.width, config.hidden,
                     config.routing.experts)),
      down_(w.Matrices("ffn_down_exps.weight", config.hidden, config.width,
                       config.routing.experts)) {
  if (w.Has("exp_probs_b.bias")) {
    ranking_bias_ =
        w.Vector("exp_probs_b.bias", {config.routing.experts}, Role::kBias);
  }
  if (config.shared_hidden > 0) {
    shared_.emplace(w, config.width, config.shared_hidden, Nonlinearity::kSilu,
                    "_shexp");
    if (w.Has("ffn_gate_inp_shexp.weight")) {
      shared_gate_ = w.Matrix("ffn_gate_inp_shexp.weight", config.width, 1);
    }
  }
}

Rows Moe::operator()(Compute& compute, ConstRows x) const {
  const Rows logits = ops::MatMul(compute, router_, x);  // {rows, experts}
  const Routing routing =
      ops::Route(compute, config_.routing, logits, ranking_bias_);
  const ops::ExpertPlaces places =
      ops::PlaceByExpert(compute, routing, config_.routing.experts);
  const Rows answers =  // {places, width}
      RunExperts(compute, places, ops::GatherPlaces(compute, places, x));
  const Rows y = ops::SumExperts(compute, routing, places, answers);
  if (shared_) ops::AddInto(compute, y, RunShared(compute, x));
  return y;
}

Rows Moe::RunShared(Compute& compute, ConstRows x) const {
  const Rows y = (*shared_)(compute, x);
  if (!shared_gate_) return y;
  const Rows share = ops::MatMul(compute, *shared_gate_, x);  // {rows, 1}
  ops::ActivateInto(compute, Nonlinearity::kSigmoid, share);
  ops::ScaleRowsInto(compute, share, y);
  return y;
}

Rows Moe::RunExperts(Compute& compute, const ops::ExpertPlaces& places,
                     ConstRows x) const {
  const Rows gate = compute.NewRows(x.rows, config_.hidden);
  const Rows up = compute.NewRows(x.rows, config_.hidden);
  MatMulByExpert(compute, gate_, places, x, gate);
  MatMulByExpert(compute, up_, places, x, up);
  ops::SiluMulInto(compute, gate, up);
  const Rows y = compute.NewRows(x.rows, config_.width);
  MatMulByExpert(compute, down_, places, up, y);
  return y;
}

}  // namespace braid::nn
