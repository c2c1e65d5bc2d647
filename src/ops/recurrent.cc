#include "ops/recurrent.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/elementwise.h"
#include "kernels/mix.h"
#include "kernels/norm.h"
#include "ops/checks.h"

namespace braid::ops {

namespace {

// The groups of dense rows, one a row.
Rows GroupsAsRows(Rows x, int groups) {
  BRAID_CHECK(x.stride == x.width && x.width % groups == 0);
  return {x.data, x.rows * groups, x.width / groups, x.width / groups};
}

void CheckInputs(const WkvShape& shape, StatePhases phases,
                 const WkvInputs& in) {
  BRAID_CHECK(PhasesCover(phases, in.key.rows));
  BRAID_CHECK(in.key.width == shape.channels());
  BRAID_CHECK(SameShape(in.key, in.receptance) && SameShape(in.key, in.value));
  BRAID_CHECK(SameShape(in.key, in.decay));
}

}  // namespace

ConstRows Broadcast(std::span<const float> row, int64_t rows) {
  return {row.data(), rows, static_cast<int64_t>(row.size()), 0};
}

Rows SsdScan(Compute& compute, const SsdWeights& weights, StatePhases phases,
             ConstRows x, ConstRows dt, ConstRows b, ConstRows c) {
  const SsdShape& shape = weights.shape();
  BRAID_CHECK(PhasesCover(phases, x.rows) && SameShape(b, c));
  BRAID_CHECK(x.rows == dt.rows && x.rows == b.rows);
  BRAID_CHECK(x.width == shape.channels() && dt.width == shape.heads);
  BRAID_CHECK(b.width == int64_t{shape.groups} * shape.states);
  const Rows y = compute.NewRows(x.rows, x.width);
  for (const std::span<const StateRun> runs : phases) {
    braid::SsdScan(weights, runs, x, dt, b, c, y, compute.threads);
  }
  return y;
}

void GroupedRmsNormInto(Compute& compute, int groups,
                        std::span<const float> weight, float epsilon, Rows x) {
  BRAID_CHECK(groups >= 1 && x.width % groups == 0);
  BRAID_CHECK(static_cast<int64_t>(weight.size()) == x.width);
  const int64_t width = x.width / groups;
  for (int64_t begin = 0; begin < x.width; begin += width) {
    const Rows part = x.Columns(begin, width);
    braid::RmsNorm(part, weight.data() + begin, epsilon, part, compute.threads);
  }
}

Rows Scale(Compute& compute, std::span<const float> row, ConstRows x) {
  BRAID_CHECK(static_cast<int64_t>(row.size()) == x.width);
  const Rows y = compute.NewRows(x.rows, x.width);
  braid::Multiply(x, Broadcast(row, x.rows), y, compute.threads);
  return y;
}

void MultiplyInto(Compute& compute, Rows x, ConstRows y) {
  BRAID_CHECK(SameShape(x, y));
  braid::Multiply(x, y, x, compute.threads);
}

void ScaleRowsInto(Compute& compute, ConstRows factors, Rows x) {
  BRAID_CHECK(factors.rows == x.rows && factors.width == 1);
  braid::ScaleRows(x, factors, x, compute.threads);
}

Rows Lerp(Compute& compute, ConstRows a, ConstRows b, ConstRows t) {
  BRAID_CHECK(SameShape(a, b) && SameShape(a, t));
  const Rows y = compute.NewRows(a.rows, a.width);
  braid::Lerp(a, b, t, y, compute.threads);
  return y;
}

Rows Lerp(Compute& compute, ConstRows a, ConstRows b,
          std::span<const float> t) {
  return Lerp(compute, a, b, Broadcast(t, a.rows));
}

void GroupNormInto(Compute& compute, int groups, std::span<const float> weight,
                   std::span<const float> bias, float epsilon, Rows x) {
  BRAID_CHECK(static_cast<int64_t>(weight.size()) == x.width);
  BRAID_CHECK(static_cast<int64_t>(bias.size()) == x.width);
  const Rows parts = GroupsAsRows(x, groups);
  braid::LayerNorm(parts, nullptr, nullptr, epsilon, parts, compute.threads);
  braid::MultiplyAdd(x, Broadcast(weight, x.rows), Broadcast(bias, x.rows), x,
                     compute.threads);
}

void NormalizeGroupsInto(Compute& compute, int groups, float epsilon, Rows x) {
  const Rows parts = GroupsAsRows(x, groups);
  const float size = static_cast<float>(parts.width);
  float* scale =
      compute.arena.Allocate<float>(static_cast<size_t>(parts.width));
  std::fill_n(scale, parts.width, 1.0f / std::sqrt(size));
  braid::RmsNorm(parts, scale, epsilon / size, parts, compute.threads);
}

Rows Wkv6(Compute& compute, const WkvShape& shape, StatePhases phases,
          const WkvInputs& inputs, std::span<const float> first) {
  CheckInputs(shape, phases, inputs);
  BRAID_CHECK(static_cast<int64_t>(first.size()) == shape.channels());
  const Rows y = compute.NewRows(inputs.key.rows, shape.channels());
  for (const std::span<const StateRun> runs : phases) {
    braid::Wkv6(shape, runs, inputs, first.data(), y, compute.threads);
  }
  return y;
}

Rows Wkv7(Compute& compute, const WkvShape& shape, StatePhases phases,
          const WkvInputs& inputs, ConstRows removal, ConstRows rate) {
  CheckInputs(shape, phases, inputs);
  BRAID_CHECK(SameShape(inputs.key, removal) && SameShape(inputs.key, rate));
  const Rows y = compute.NewRows(inputs.key.rows, shape.channels());
  for (const std::span<const StateRun> runs : phases) {
    braid::Wkv7(shape, runs, inputs, removal, rate, y, compute.threads);
  }
  return y;
}

void Wkv7AddBonusInto(Compute& compute, const WkvShape& shape,
                      const WkvInputs& inputs, std::span<const float> weight,
                      Rows y) {
  BRAID_CHECK(static_cast<int64_t>(weight.size()) == shape.channels());
  BRAID_CHECK(SameShape(inputs.key, y) && y.width == shape.channels());
  braid::Wkv7AddBonus(shape, inputs, weight.data(), y, compute.threads);
}

Rows DeltaRule(Compute& compute, const DeltaShape& shape, StatePhases phases,
               const DeltaInputs& in) {
  BRAID_CHECK(PhasesCover(phases, in.key.rows) && SameShape(in.query, in.key));
  BRAID_CHECK(shape.heads % shape.key_heads == 0);
  BRAID_CHECK(in.key.width == shape.key_channels());
  BRAID_CHECK(in.value.rows == in.key.rows && in.decay.rows == in.key.rows);
  BRAID_CHECK(in.value.width == shape.channels());
  BRAID_CHECK(in.decay.width == shape.heads ||
              in.decay.width == int64_t{shape.heads} * shape.key_dim);
  BRAID_CHECK(in.rate.rows == in.key.rows && in.rate.width == shape.heads);
  const Rows y = compute.NewRows(in.key.rows, shape.channels());
  for (const std::span<const StateRun> runs : phases) {
    braid::DeltaRule(shape, runs, in, y, compute.threads);
  }
  return y;
}

void ExpInto(Compute& compute, Rows x) { braid::Exp(x, x, compute.threads); }

void Wkv6DecayInto(Compute& compute, Rows x) {
  braid::Wkv6Decay(x, x, compute.threads);
}

void Wkv7DecayInto(Compute& compute, Rows x) {
  braid::Wkv7Decay(x, x, compute.threads);
}

}  // namespace braid::ops
