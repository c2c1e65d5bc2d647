#include "kernels/ref/delta_rule_twin.h"

#include <cmath>

namespace braid {

namespace {

// One row of one value head.
struct HeadRow {
  const float* q;  // [key_dim]
  const float* k;  // [key_dim]
  const float* v;  // [value_dim]
  const float* decay;
  bool per_channel;
  float rate;

  float w(int i) const { return decay[per_channel ? i : 0]; }
};

HeadRow RowOf(const DeltaShape& shape, const DeltaInputs& in, int64_t t,
              int64_t head) {
  const bool per_channel = in.decay.width != shape.heads;
  const int64_t key = shape.KeyHead(head) * shape.key_dim;
  return {
      .q = in.query.row(t) + key,
      .k = in.key.row(t) + key,
      .v = in.value.row(t) + head * shape.value_dim,
      .decay = in.decay.row(t) + (per_channel ? head * shape.key_dim : head),
      .per_channel = per_channel,
      .rate = in.rate.row(t)[head]};
}

// S[i][j] of a head: key channel i, value channel j.
float& At(const DeltaShape& shape, float* state, int64_t head, int i, int j) {
  const int64_t column = int64_t{j} / 16 * shape.key_dim + i;
  return state[head * shape.HeadFloats() + column * 16 + j % 16];
}

OracleValue StepOracle(const HeadRow& row, int keys, int j, OracleValue* state,
                       int64_t stride) {
  const double roundings = static_cast<double>(keys) + 1;
  OracleValue recalled;
  for (int i = 0; i < keys; ++i) {
    const OracleValue& s = state[i * stride];
    const double kw = static_cast<double>(row.k[i]) * row.w(i);
    recalled.value += kw * s.value;
    recalled.tolerance +=
        std::fabs(kw) * (s.tolerance + roundings * kFloatRounding *
                                           (std::fabs(s.value) + s.tolerance)) +
        1e-37;
  }
  const double missing = row.v[j] - recalled.value;
  const double change = row.rate * missing;
  const double change_error = row.rate * recalled.tolerance +
                              2 * kFloatRounding * std::fabs(change) + 1e-37;
  OracleValue y;
  double magnitude = 0;
  for (int i = 0; i < keys; ++i) {
    OracleValue& s = state[i * stride];
    const double w = row.w(i);
    const double added = row.k[i] * change;
    s.value = w * s.value + added;
    s.tolerance = w * s.tolerance + std::fabs(row.k[i]) * change_error +
                  kFloatRounding * (std::fabs(added) + std::fabs(s.value)) +
                  1e-37;
    y.value += row.q[i] * s.value;
    y.tolerance += std::fabs(row.q[i]) * s.tolerance;
    magnitude += std::fabs(row.q[i] * s.value);
  }
  y.tolerance = 1.001 * (y.tolerance + roundings * kFloatRounding * magnitude);
  return y;
}

}  // namespace

void DeltaRuleTwin(const DeltaShape& shape, std::span<const StateRun> runs,
                   const DeltaInputs& in, Rows y) {
  for (const StateRun& run : runs) {
    for (size_t i = 0; i < shape.StateFloats(); ++i) {
      run.destination[i] = run.source == nullptr ? 0.0f : run.source[i];
    }
    for (int t = run.begin; t < run.begin + run.length; ++t) {
      for (int64_t head = 0; head < shape.heads; ++head) {
        const HeadRow row = RowOf(shape, in, t, head);
        for (int j = 0; j < shape.value_dim; ++j) {
          float recalled = 0.0f;
          for (int i = 0; i < shape.key_dim; ++i) {
            recalled =
                std::fma(row.k[i] * row.w(i),
                         At(shape, run.destination, head, i, j), recalled);
          }
          const float change = row.rate * (row.v[j] - recalled);
          float read = 0.0f;
          for (int i = 0; i < shape.key_dim; ++i) {
            float& s = At(shape, run.destination, head, i, j);
            s = std::fma(row.w(i), s, row.k[i] * change);
            read = std::fma(row.q[i], s, read);
          }
          y.row(t)[head * shape.value_dim + j] = read;
        }
      }
    }
  }
}

DeltaOracle DeltaRuleOracle(const DeltaShape& shape, const DeltaInputs& in) {
  const int64_t head_values = int64_t{shape.key_dim} * shape.value_dim;
  DeltaOracle oracle;
  oracle.state.resize(static_cast<size_t>(shape.heads * head_values));
  for (int64_t t = 0; t < in.key.rows; ++t) {
    for (int64_t head = 0; head < shape.heads; ++head) {
      const HeadRow row = RowOf(shape, in, t, head);
      for (int j = 0; j < shape.value_dim; ++j) {
        OracleValue* state =
            &oracle.state[static_cast<size_t>(head * head_values + j)];
        oracle.y.push_back(
            StepOracle(row, shape.key_dim, j, state, shape.value_dim));
      }
    }
  }
  return oracle;
}

}  // namespace braid
