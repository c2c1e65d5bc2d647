#include "kernels/ref/elementwise_twin.h"

#include <algorithm>
#include <cmath>

#include "kernels/ref/element_functions.h"

namespace braid {

namespace {

// Results that small may be flushed to zero: below 2^-126, and twice that where
// a factor of two is taken out before the end.
constexpr double kSmallest = 2.4e-38;
// SiLU of less than -88.37 is -0, because the exponential overflows.
constexpr double kSiluFlushed = 4e-37;
// Roundings of u, 2 + u, the division, z, the polynomial and two products.
constexpr double kSoftplusError = 4e-7;

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

void SiluMulTwin(ConstRows gate, ConstRows value, Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) {
      y.row(m)[i] = SiluTwin(gate.row(m)[i]) * value.row(m)[i];
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

std::vector<OracleValue> SiluMulOracle(ConstRows gate, ConstRows value) {
  return ForElements(gate, [&](int64_t m, int64_t i) {
    const double v = gate.row(m)[i];
    const double factor = value.row(m)[i];
    const double y = v / (1 + std::exp(-v)) * factor;
    const double relative = kExpError + 4 * kFloatRounding;
    return OracleValue{y, relative * std::fabs(y) +
                              kSiluFlushed * std::fabs(factor) + kSmallest};
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
