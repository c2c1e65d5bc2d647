#include "kernels/ref/elementwise_twin.h"

#include <algorithm>
#include <cmath>

#include "kernels/ref/element_functions.h"

namespace braid {

namespace {

// Results that small may be flushed to zero: below 2^-126, and twice that where
// a factor of two is taken out before the end.
constexpr double kSmallest = 2.4e-38;
// A v with exp(-v) above exp(88.37), which overflows, is multiplied by 0.
constexpr double kSigmoidFlushed = 4.2e-39;
// Of Tanh: the error of 2 / (exp + 1) at kTanhSmall, as a share of tanh there.
// Roundings of u, 2 + u, the division, z, the polynomial and two products.
constexpr double kSoftplusError = 4e-7;

float NonlinearityTwin(Nonlinearity f, float v) {
  switch (f) {
    case Nonlinearity::kSilu:
      return SiluTwin(v);
    case Nonlinearity::kSigmoid:
      return SigmoidTwin(v);
    case Nonlinearity::kTanh:
      return TanhTwin(v);
    case Nonlinearity::kGeluErf:
      return GeluErfTwin(v);
    case Nonlinearity::kGeluTanh:
      return GeluTanhTwin(v);
    case Nonlinearity::kGeluQuick:
      return GeluQuickTwin(v);
    case Nonlinearity::kRelu:
      return ReluTwin(v);
    case Nonlinearity::kReluSquared:
      return ReluTwin(v) * ReluTwin(v);
  }
  return v;
}

// factor * sigmoid(w), where w was computed with `roundings` relative ones: the
// sigmoid's slope is at most sigmoid(w) * |w| * that.
OracleValue SigmoidOracle(double factor, double w, double roundings) {
  const double y = factor / (1 + std::exp(-w));
  const double argument = roundings * std::fabs(w) / (1 + std::exp(w));
  return {y, (kExpError + (3 + argument) * kFloatRounding) * std::fabs(y) +
                 kSigmoidFlushed * std::fabs(factor) + kSmallest};
}

// v * (1 - tail(|v|)) or v * tail: the tail's relative error is that of the
// exponential, of a * a as its argument, and of eleven steps in t.
// A tail below 2^-126 is flushed before v multiplies it.
OracleValue GeluErfOracle(double v) {
  const double tail = std::erfc(std::fabs(v) / std::sqrt(2.0)) / 2;
  const double y = v < 0 ? v * tail : v * (1 - tail);
  const double relative = kExpError + kFloatRounding * (v * v / 2 + 12);
  return {y, relative * std::fabs(v) * tail + kFloatRounding * std::fabs(y) +
                 kSmallest * (1 + std::fabs(v))};
}

OracleValue NonlinearityOracle(Nonlinearity f, double v) {
  switch (f) {
    case Nonlinearity::kSilu:
      return SigmoidOracle(v, v, 0);
    case Nonlinearity::kSigmoid:
      return SigmoidOracle(1, v, 0);
    case Nonlinearity::kTanh: {
      const double y = std::tanh(v);
      return {y, kTanhError * std::fabs(y) + kSmallest};
    }
    case Nonlinearity::kGeluErf:
      return GeluErfOracle(v);
    case Nonlinearity::kGeluTanh: {
      const double root = std::sqrt(2 / std::acos(-1.0));
      // The constants, the square, the multiply-add and the product.
      return SigmoidOracle(v, 2 * root * (v + 0.044715 * v * v * v), 5);
    }
    case Nonlinearity::kGeluQuick:
      return SigmoidOracle(v, 1.702 * v, 2);
    case Nonlinearity::kRelu:
      return {v > 0 ? v : 0, kSmallest};
    case Nonlinearity::kReluSquared: {
      const double y = v > 0 ? v * v : 0;
      return {y, kFloatRounding * y + kSmallest};
    }
  }
  return {};
}

template <class At>
std::vector<OracleValue> ForElements(ConstRows shape, const At& at) {
  std::vector<OracleValue> values;
  for (int64_t m = 0; m < shape.rows; ++m) {
    for (int64_t i = 0; i < shape.width; ++i) values.push_back(at(m, i));
  }
  return values;
}

}  // namespace

void AddTwin(ConstRows a, ConstRows b, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) {
      y.row(m)[i] = a.row(m)[i] + b.row(m)[i];
    }
  }
}

void ActivateTwin(Nonlinearity f, ConstRows x, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) {
      y.row(m)[i] = NonlinearityTwin(f, x.row(m)[i]);
    }
  }
}

void ActivateMulTwin(Nonlinearity f, ConstRows gate, ConstRows value, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) {
      y.row(m)[i] = NonlinearityTwin(f, gate.row(m)[i]) * value.row(m)[i];
    }
  }
}

void ScaleTwin(ConstRows x, float factor, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) y.row(m)[i] = x.row(m)[i] * factor;
  }
}

void SoftCapTwin(ConstRows x, float cap, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) {
      y.row(m)[i] = cap * TanhTwin(x.row(m)[i] / cap);
    }
  }
}

void SoftplusTwin(ConstRows x, const float* bias, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) {
      const float v = x.row(m)[i];
      y.row(m)[i] = SoftplusTwin(bias == nullptr ? v : v + bias[i]);
    }
  }
}

void ExpTwin(ConstRows x, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) y.row(m)[i] = ExpTwin(x.row(m)[i]);
  }
}

void SoftmaxTwin(ConstRows x, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    float* to = y.row(m);
    const float maximum = MaximumTwin(x.row(m), x.width);
    for (int64_t i = 0; i < x.width; ++i) {
      to[i] = ExpTwin(x.row(m)[i] - maximum);
    }
    const float sum = SumTwin(to, x.width);
    for (int64_t i = 0; i < x.width; ++i) to[i] /= sum;
  }
}

std::vector<OracleValue> ActivateMulOracle(Nonlinearity f, ConstRows gate,
                                           ConstRows value) {
  return ForElements(gate, [&](int64_t m, int64_t i) {
    const double factor = value.row(m)[i];
    const OracleValue activated = NonlinearityOracle(f, gate.row(m)[i]);
    const double y = activated.value * factor;
    return OracleValue{y, activated.tolerance * std::fabs(factor) +
                              kFloatRounding * std::fabs(y) + kSmallest};
  });
}

std::vector<OracleValue> SoftCapOracle(ConstRows x, float cap) {
  return ForElements(x, [&](int64_t m, int64_t i) {
    const double y = cap * std::tanh(static_cast<double>(x.row(m)[i]) / cap);
    // The rounded quotient moves the tangent by less than it does a line.
    return OracleValue{
        y, (kTanhError + 2 * kFloatRounding) * std::fabs(y) + kSmallest};
  });
}

std::vector<OracleValue> SoftplusOracle(ConstRows x, const float* bias) {
  return ForElements(x, [&](int64_t m, int64_t i) {
    const double v =
        static_cast<double>(x.row(m)[i]) + (bias == nullptr ? 0 : bias[i]);
    const double y = std::max(v, 0.0) + std::log1p(std::exp(-std::fabs(v)));
    const double slope = 1 / (1 + std::exp(-v));
    const double rounded_argument = kFloatRounding * std::fabs(v) * slope;
    return OracleValue{y, kSoftplusError * y + rounded_argument + kSmallest};
  });
}

std::vector<OracleValue> ExpOracle(ConstRows x) {
  return ForElements(x, [&](int64_t m, int64_t i) {
    const double y = std::exp(static_cast<double>(x.row(m)[i]));
    return OracleValue{y, kExpError * y + kSmallest};
  });
}

std::vector<OracleValue> SoftmaxOracle(ConstRows x) {
  std::vector<OracleValue> values;
  for (int64_t m = 0; m < x.rows; ++m) {
    const float* from = x.row(m);
    const double maximum = *std::max_element(from, from + x.width);
    double sum = 0;
    double sum_distance = 0;  // weighted by the exponential
    for (int64_t i = 0; i < x.width; ++i) {
      const double e = std::exp(from[i] - maximum);
      sum += e;
      sum_distance += e * (maximum - from[i]);
    }
    const double sum_error =
        kExpError + kFloatRounding * (sum_distance / sum +
                                      static_cast<double>(x.width) / 16 + 5);
    for (int64_t i = 0; i < x.width; ++i) {
      const double y = std::exp(from[i] - maximum) / sum;
      const double own_error =
          kExpError + kFloatRounding * (maximum - from[i] + 2);
      values.push_back({y, (own_error + sum_error) * y + kSmallest});
    }
  }
  return values;
}

}  // namespace braid
