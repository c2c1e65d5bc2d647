#include "ops/ops.h"

#include "base/check.h"
#include "kernels/norm.h"
#include "ops/checks.h"
#include "ops/input_observer.h"

namespace braid::ops {

namespace {

// One row, seen as `rows` equal rows.
ConstRows Broadcast(std::span<const float> row, int64_t rows) {
  return {row.data(), rows, static_cast<int64_t>(row.size()), 0};
}

}  // namespace

Rows MatMul(Compute& compute, const PackedMatrix& w, ConstRows x) {
  const Rows y = compute.NewRows(x.rows, w.outputs());
  MatMulInto(compute, w, x, y);
  return y;
}

void MatMulInto(Compute& compute, const PackedMatrix& w, ConstRows x, Rows y) {
  BRAID_CHECK(x.width == w.inputs() && y.width == w.outputs());
  BRAID_CHECK(x.rows == y.rows);
  if (compute.observer != nullptr) {
    compute.observer->Observe(w, x, compute.threads);
  }
  braid::MatMul(w, x, y, compute.arena, compute.threads);
}

void AddBias(Compute& compute, std::span<const float> bias, Rows x) {
  BRAID_CHECK(static_cast<int64_t>(bias.size()) == x.width);
  braid::Add(x, Broadcast(bias, x.rows), x, compute.threads);
}

void AddInto(Compute& compute, Rows x, ConstRows y) {
  BRAID_CHECK(SameShape(x, y));
  braid::Add(x, y, x, compute.threads);
}

void ScaleInto(Compute& compute, float factor, Rows x) {
  braid::Scale(x, factor, x, compute.threads);
}

void SoftCapInto(Compute& compute, float cap, Rows x) {
  BRAID_CHECK(cap > 0);
  braid::SoftCap(x, cap, x, compute.threads);
}

Rows RmsNorm(Compute& compute, ConstRows x, std::span<const float> weight,
             float epsilon) {
  BRAID_CHECK(weight.empty() || static_cast<int64_t>(weight.size()) == x.width);
  const Rows y = compute.NewRows(x.rows, x.width);
  braid::RmsNorm(x, weight.empty() ? nullptr : weight.data(), epsilon, y,
                 compute.threads);
  return y;
}

Rows LayerNorm(Compute& compute, ConstRows x, std::span<const float> weight,
               std::span<const float> bias, float epsilon) {
  const Rows y = compute.NewRows(x.rows, x.width);
  LayerNormInto(compute, x, weight, bias, epsilon, y);
  return y;
}

void LayerNormInto(Compute& compute, ConstRows x, std::span<const float> weight,
                   std::span<const float> bias, float epsilon, Rows y) {
  BRAID_CHECK(weight.empty() || static_cast<int64_t>(weight.size()) == x.width);
  BRAID_CHECK(bias.empty() || static_cast<int64_t>(bias.size()) == x.width);
  BRAID_CHECK(SameShape(x, y));
  braid::LayerNorm(x, weight.empty() ? nullptr : weight.data(),
                   bias.empty() ? nullptr : bias.data(), epsilon, y,
                   compute.threads);
}

void SiluMulInto(Compute& compute, ConstRows gate, Rows value) {
  BRAID_CHECK(SameShape(gate, value));
  braid::ActivateMul(Nonlinearity::kSilu, gate, value, value, compute.threads);
}

void ActivateInto(Compute& compute, Nonlinearity f, Rows x) {
  braid::Activate(f, x, x, compute.threads);
}

void ActivateMulInto(Compute& compute, Nonlinearity f, ConstRows gate,
                     Rows value) {
  BRAID_CHECK(SameShape(gate, value));
  braid::ActivateMul(f, gate, value, value, compute.threads);
}

void SoftplusInto(Compute& compute, std::span<const float> bias, Rows x) {
  BRAID_CHECK(static_cast<int64_t>(bias.size()) == x.width);
  braid::Softplus(x, bias.data(), x, compute.threads);
}

void RopeInto(Compute& compute, const RopeTable& table,
              std::span<const Position> positions, int heads, int head_dim,
              Rows x) {
  BRAID_CHECK(static_cast<int64_t>(positions.size()) == x.rows);
  BRAID_CHECK(x.width == static_cast<int64_t>(heads) * head_dim);
  BRAID_CHECK(table.config().rotated <= head_dim);
  braid::Rope(table, positions, heads, head_dim, x, compute.threads);
}

void WriteKv(Compute& compute, const KvLayout& layout, KvPagesView pages,
             std::span<const Run> runs, std::span<const PageTable> tables,
             ConstRows keys, ConstRows values) {
  BRAID_CHECK(RunsCover(runs, keys.rows) && tables.size() == runs.size());
  BRAID_CHECK(values.rows == keys.rows);
  BRAID_CHECK(keys.width == int64_t{layout.kv_heads} * layout.key_dim);
  BRAID_CHECK(values.width == int64_t{layout.kv_heads} * layout.value_dim);
  braid::WriteKv(layout, pages, runs, tables, keys, values, compute.threads);
}

Rows Attention(Compute& compute, const KvLayout& layout, KvPagesView pages,
               std::span<const Run> runs, std::span<const PageTable> tables,
               ConstRows q, int heads, const AttentionOptions& options) {
  BRAID_CHECK(RunsCover(runs, q.rows) && tables.size() == runs.size());
  BRAID_CHECK(q.width == int64_t{heads} * layout.key_dim);
  BRAID_CHECK(heads % layout.kv_heads == 0);
  BRAID_CHECK(options.key_counts.empty() ||
              options.key_counts.size() == runs.size());
  const Rows out = compute.NewRows(q.rows, int64_t{heads} * layout.value_dim);
  braid::Attention(layout, pages, runs, tables, q, heads, options, out,
                   compute.arena, compute.threads);
  return out;
}

Rows CausalConv(Compute& compute, StatePhases phases, ConstRows x,
                std::span<const float> weight, std::span<const float> bias,
                Activation activation) {
  BRAID_CHECK(PhasesCover(phases, x.rows));
  BRAID_CHECK(weight.size() % static_cast<size_t>(x.width) == 0);
  BRAID_CHECK(bias.empty() || static_cast<int64_t>(bias.size()) == x.width);
  const int taps =
      static_cast<int>(weight.size() / static_cast<size_t>(x.width));
  const Rows y = compute.NewRows(x.rows, x.width);
  for (const std::span<const StateRun> runs : phases) {
    braid::CausalConv(runs, x, weight.data(), taps,
                      bias.empty() ? nullptr : bias.data(), activation, y,
                      compute.threads);
  }
  return y;
}

Rows SelectiveScan(Compute& compute, const ScanWeights& weights,
                   StatePhases phases, ConstRows x, ConstRows dt, ConstRows b,
                   ConstRows c) {
  BRAID_CHECK(PhasesCover(phases, x.rows));
  BRAID_CHECK(SameShape(x, dt) && SameShape(b, c));
  BRAID_CHECK(x.width == weights.channels() && b.width == weights.states());
  BRAID_CHECK(x.rows == b.rows);
  const Rows y = compute.NewRows(x.rows, x.width);
  for (const std::span<const StateRun> runs : phases) {
    braid::SelectiveScan(weights, runs, x, dt, b, c, y, compute.threads);
  }
  return y;
}

}  // namespace braid::ops
