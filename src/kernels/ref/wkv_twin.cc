#include "kernels/ref/wkv_twin.h"

#include <cmath>

#include "kernels/ref/element_functions.h"

namespace braid {

namespace {

void BeginState(const WkvShape& shape, const StateRun& run) {
  for (size_t i = 0; i < shape.StateFloats(); ++i) {
    run.destination[i] = run.source == nullptr ? 0.0f : run.source[i];
  }
}

// S[i][j] of a head: key channel i, value channel j.
float& At(const WkvShape& shape, float* state, int64_t head, int i, int j) {
  const int64_t column = int64_t{j} / 16 * shape.head_size + i;
  return state[head * shape.HeadFloats() + column * 16 + j % 16];
}

// An oracle's S[i][j] of all heads.
class OracleState {
 public:
  explicit OracleState(const WkvShape& shape)
      : size_(shape.head_size),
        values_(static_cast<size_t>(shape.channels() * size_)) {}
  OracleValue& At(int64_t head, int i, int j) {
    return values_[static_cast<size_t>((head * size_ + i) * size_ + j)];
  }

 private:
  int64_t size_;
  std::vector<OracleValue> values_;
};

}  // namespace

void Wkv6Twin(const WkvShape& shape, std::span<const StateRun> runs,
              const WkvInputs& in, const float* first, Rows y) {
  for (const StateRun& run : runs) {
    BeginState(shape, run);
    for (int t = run.begin; t < run.begin + run.length; ++t) {
      for (int64_t head = 0; head < shape.heads; ++head) {
        const int64_t channel = head * shape.head_size;
        for (int j = 0; j < shape.head_size; ++j) {
          const float v = in.value.row(t)[channel + j];
          float sum = 0.0f;
          for (int i = 0; i < shape.head_size; ++i) {
            float& s = At(shape, run.destination, head, i, j);
            const float kv = in.key.row(t)[channel + i] * v;
            sum = std::fma(in.receptance.row(t)[channel + i],
                           std::fma(first[channel + i], kv, s), sum);
            s = std::fma(in.decay.row(t)[channel + i], s, kv);
          }
          y.row(t)[channel + j] = sum;
        }
      }
    }
  }
}

void Wkv7Twin(const WkvShape& shape, std::span<const StateRun> runs,
              const WkvInputs& in, ConstRows removal, ConstRows rate, Rows y) {
  for (const StateRun& run : runs) {
    BeginState(shape, run);
    for (int t = run.begin; t < run.begin + run.length; ++t) {
      for (int64_t head = 0; head < shape.heads; ++head) {
        const int64_t channel = head * shape.head_size;
        const float* kappa = removal.row(t) + channel;
        for (int j = 0; j < shape.head_size; ++j) {
          const float v = in.value.row(t)[channel + j];
          float removed = 0.0f;
          for (int i = 0; i < shape.head_size; ++i) {
            removed = std::fma(kappa[i], At(shape, run.destination, head, i, j),
                               removed);
          }
          float sum = 0.0f;
          for (int i = 0; i < shape.head_size; ++i) {
            float& s = At(shape, run.destination, head, i, j);
            const float share = kappa[i] * rate.row(t)[channel + i];
            const float change =
                std::fma(-removed, share, in.key.row(t)[channel + i] * v);
            s = std::fma(in.decay.row(t)[channel + i], s, change);
            sum = std::fma(in.receptance.row(t)[channel + i], s, sum);
          }
          y.row(t)[channel + j] = sum;
        }
      }
    }
  }
}

void Wkv7AddBonusTwin(const WkvShape& shape, const WkvInputs& in,
                      const float* weight, Rows y) {
  const int size = shape.head_size;
  for (int64_t t = 0; t < y.rows; ++t) {
    for (int64_t channel = 0; channel < shape.channels(); channel += size) {
      float lane[16] = {};
      for (int i = 0; i < size; ++i) {
        const float rk =
            in.receptance.row(t)[channel + i] * in.key.row(t)[channel + i];
        lane[i % 16] = std::fma(rk, weight[channel + i], lane[i % 16]);
      }
      for (int half = 8; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
      }
      for (int i = 0; i < size; ++i) {
        float& out = y.row(t)[channel + i];
        out = std::fma(lane[0], in.value.row(t)[channel + i], out);
      }
    }
  }
}

float Wkv6DecayTwin(float x) { return ExpTwin(-ExpTwin(x)); }

float Wkv7DecayTwin(float x) {
  return ExpTwin(kWkv7DecayScale * SigmoidTwin(x));
}

float LerpTwin(float a, float b, float t) { return std::fma(t, b - a, a); }

std::vector<OracleValue> Wkv6Oracle(const WkvShape& shape, const WkvInputs& in,
                                    const float* first) {
  OracleState state(shape);
  std::vector<OracleValue> values;
  for (int64_t t = 0; t < in.key.rows; ++t) {
    for (int64_t head = 0; head < shape.heads; ++head) {
      const int64_t channel = head * shape.head_size;
      for (int j = 0; j < shape.head_size; ++j) {
        double sum = 0;
        double magnitude = 0;
        double inherited = 0;
        for (int i = 0; i < shape.head_size; ++i) {
          OracleValue& s = state.At(head, i, j);
          const double r = in.receptance.row(t)[channel + i];
          const double w = in.decay.row(t)[channel + i];
          const double kv = static_cast<double>(in.key.row(t)[channel + i]) *
                            in.value.row(t)[channel + j];
          const double kv_error = kFloatRounding * std::fabs(kv) + 1e-37;
          const double read = first[channel + i] * kv + s.value;
          sum += r * read;
          magnitude += std::fabs(r * read);
          inherited += std::fabs(r) *
                       (std::fabs(first[channel + i]) * kv_error + s.tolerance +
                        kFloatRounding * std::fabs(read) + 1e-37);
          s.value = w * s.value + kv;
          s.tolerance = w * s.tolerance + kv_error +
                        kFloatRounding * std::fabs(s.value) + 1e-37;
        }
        const double roundings = static_cast<double>(shape.head_size);
        values.push_back({sum, 1.001 * (inherited + roundings * kFloatRounding *
                                                        magnitude)});
      }
    }
  }
  return values;
}

std::vector<OracleValue> Wkv7Oracle(const WkvShape& shape, const WkvInputs& in,
                                    ConstRows removal, ConstRows rate) {
  OracleState state(shape);
  std::vector<OracleValue> values;
  const double roundings = static_cast<double>(shape.head_size);
  for (int64_t t = 0; t < in.key.rows; ++t) {
    for (int64_t head = 0; head < shape.heads; ++head) {
      const int64_t channel = head * shape.head_size;
      const float* kappa = removal.row(t) + channel;
      for (int j = 0; j < shape.head_size; ++j) {
        OracleValue removed;
        for (int i = 0; i < shape.head_size; ++i) {
          const OracleValue& s = state.At(head, i, j);
          removed.value += kappa[i] * s.value;
          removed.tolerance +=
              std::fabs(kappa[i]) *
              (s.tolerance +
               roundings * kFloatRounding * (std::fabs(s.value) + s.tolerance));
        }
        OracleValue sum;
        double magnitude = 0;
        for (int i = 0; i < shape.head_size; ++i) {
          OracleValue& s = state.At(head, i, j);
          const double r = in.receptance.row(t)[channel + i];
          const double w = in.decay.row(t)[channel + i];
          const double kv = static_cast<double>(in.key.row(t)[channel + i]) *
                            in.value.row(t)[channel + j];
          const double share =
              static_cast<double>(kappa[i]) * rate.row(t)[channel + i];
          const double change = kv - removed.value * share;
          const double change_error =
              kFloatRounding * (std::fabs(kv) + std::fabs(change) +
                                std::fabs(removed.value * share)) +
              std::fabs(share) * removed.tolerance + 1e-37;
          s.value = w * s.value + change;
          s.tolerance = w * s.tolerance + change_error +
                        kFloatRounding * std::fabs(s.value) + 1e-37;
          sum.value += r * s.value;
          sum.tolerance += std::fabs(r) * s.tolerance;
          magnitude += std::fabs(r * s.value);
        }
        sum.tolerance += roundings * kFloatRounding * magnitude;
        values.push_back({sum.value, 1.001 * sum.tolerance});
      }
    }
  }
  return values;
}

OracleValue Wkv6DecayOracle(double x) {
  const double inner = std::exp(x);
  const double y = std::exp(-inner);
  return {y, y * kExpError * (inner + 1) + 3e-38};
}

OracleValue Wkv7DecayOracle(double x) {
  const double exponent = double{kWkv7DecayScale} / (1 + std::exp(-x));
  const double y = std::exp(exponent);
  // Exponential, sum, division and product, all relative to the exponent.
  const double relative = kExpError + 3 * kFloatRounding;
  return {y, y * (kExpError + relative * std::fabs(exponent)) + 3e-38};
}

}  // namespace braid
