#include "kernels/ref/element_functions.h"

#include <bit>
#include <cmath>

#include "kernels/element_functions.h"

namespace braid {

namespace {

float Horner(const float* coefficients, int degree, float x) {
  float value = coefficients[degree];
  for (int i = degree - 1; i >= 0; --i) {
    value = std::fma(value, x, coefficients[i]);
  }
  return value;
}

float Tree(float (&lane)[kReductionLanes]) {
  for (int half = kReductionLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

}  // namespace

float ExpTwin(float x) {
  if (x < kExpLowest) return 0.0f;
  if (x > kExpHighest) return kInfinity;
  const float t = std::fma(x, kLog2e, kExponentShift);
  const float n = t - kExponentShift;
  const float r = std::fma(x, kLog2eLow, std::fma(x, kLog2e, -n));
  const float power = std::bit_cast<float>(std::bit_cast<uint32_t>(t) << 23);
  return Horner(kExp2, kExp2Degree, r) * power;
}

float DecayTwin(float a, float b) {
  const float t = std::fma(a, b, kExponentMagic);
  const float n = t - kExponentMagic;
  if (!(n >= kDecayLowestExponent)) return 0.0f;
  const float p = Horner(kExp2, kExp2Degree, std::fma(a, b, -n));
  return std::bit_cast<float>(std::bit_cast<uint32_t>(p) +
                              (std::bit_cast<uint32_t>(t) << 23));
}

float SiluTwin(float v) { return v / (1.0f + ExpTwin(-v)); }

float SoftplusTwin(float x) {
  if (x > kSoftplusLinear) return x;
  const float u = ExpTwin(-std::fabs(x));
  const float s = u / (2.0f + u);
  const float log1p = s * Horner(kAtanh, kAtanhDegree, s * s);
  return (x > 0.0f ? x : 0.0f) + log1p;
}

float SigmoidTwin(float v) { return 1.0f / (1.0f + ExpTwin(-v)); }

float TanhTwin(float x) {
  if (std::fabs(x) < kTanhSmall)
    return x * Horner(kTanhRatio, kTanhDegree, x * x);
  const float e = ExpTwin(2.0f * std::fabs(x));
  return std::copysign(1.0f - 2.0f / (e + 1.0f), x);
}

float GeluErfTwin(float v) {
  const float a = std::fabs(v);
  const float t = 1.0f / std::fma(kNormalTailStep, a, 1.0f);
  const float polynomial = Horner(kNormalTail, kNormalTailDegree, t);
  const float tail = t * polynomial * ExpTwin(-0.5f * (a * a));
  return v < 0.0f ? v * tail : std::fma(-v, tail, v);
}

float GeluTanhTwin(float v) {
  const float slope = std::fma(v * v, kGeluCubic, kGeluLinear);
  return v / (1.0f + ExpTwin(-(v * slope)));
}

float GeluQuickTwin(float v) {
  return v / (1.0f + ExpTwin(-kGeluQuickSlope * v));
}

float ReluTwin(float v) { return v < 0.0f ? 0.0f : v; }

float SumTwin(const float* values, int64_t count) {
  float lane[kReductionLanes] = {};
  for (int64_t i = 0; i < count; ++i) lane[i % kReductionLanes] += values[i];
  return Tree(lane);
}

float SumOfSquaresTwin(const float* values, int64_t count) {
  float lane[kReductionLanes] = {};
  for (int64_t i = 0; i < count; ++i) {
    float& sum = lane[i % kReductionLanes];
    sum = std::fma(values[i], values[i], sum);
  }
  return Tree(lane);
}

float MaximumTwin(const float* values, int64_t count) {
  float maximum = -kInfinity;
  for (int64_t i = 0; i < count; ++i) {
    if (values[i] > maximum) maximum = values[i];
  }
  return maximum;
}

}  // namespace braid
