#include "tensor/k_quants.h"

#include <cmath>
#include <cstring>

#include "tensor/half.h"

namespace braid {

namespace {

// Below this a block counts as all zero: a quotient by it would overflow.
constexpr float kTiny = 1e-15f;

// x ~ scale * code - min, codes 0 to `levels`.
struct Affine {
  float scale = 0;
  float min = 0;  // >= 0
};

struct FitSums {  // weighted sums over a sub-block
  float w = 0, x = 0, l = 0, ll = 0, xl = 0;
};

float AffineError(const float* x, const float* weights, const int* codes, int n,
                  float scale, float offset) {
  float error = 0;
  for (int i = 0; i < n; ++i) {
    const float e = scale * static_cast<float>(codes[i]) + offset - x[i];
    error += weights[i] * e * e;
  }
  return error;
}

void ChooseCodes(const float* x, int n, float inverse, float offset, int low,
                 int high, int* codes) {
  for (int i = 0; i < n; ++i) {
    codes[i] = NearestInt(inverse * (x[i] - offset), low, high);
  }
}

// The least-squares scale and offset for given codes; offset <= 0.
bool SolveAffine(const float* x, const float* weights, const int* codes, int n,
                 float& scale, float& offset) {
  FitSums s;
  for (int i = 0; i < n; ++i) {
    const float l = static_cast<float>(codes[i]);
    const float w = weights[i];
    s.w += w;
    s.x += w * x[i];
    s.l += w * l;
    s.ll += w * l * l;
    s.xl += w * l * x[i];
  }
  const float determinant = s.w * s.ll - s.l * s.l;
  if (!(determinant > 0)) return false;
  scale = (s.w * s.xl - s.x * s.l) / determinant;
  offset = (s.ll * s.x - s.l * s.xl) / determinant;
  if (offset > 0) {
    offset = 0;
    scale = s.xl / s.ll;
  }
  return true;
}

// Tries scales around (max - min) / levels, solves each choice of codes for
// the best scale and offset, and keeps the smallest weighted square error.
Affine FitAffine(const float* x, const float* weights, int n, int levels,
                 float first_shift, float shift_step, int steps, int* codes) {
  float low = std::fmin(x[0], 0.0f);
  float high = x[0];
  for (int i = 1; i < n; ++i) {
    low = std::fmin(low, x[i]);
    high = std::fmax(high, x[i]);
  }
  for (int i = 0; i < n; ++i) codes[i] = 0;
  if (!(high - low > kTiny)) return {0, -low};
  const float top = static_cast<float>(levels);
  Affine best{(high - low) / top, -low};
  ChooseCodes(x, n, top / (high - low), low, 0, levels, codes);
  float best_error = AffineError(x, weights, codes, n, best.scale, low);
  int tried[32];
  for (int step = 0; step <= steps; ++step) {
    const float shift = first_shift + shift_step * static_cast<float>(step);
    ChooseCodes(x, n, (shift + top) / (high - low), low, 0, levels, tried);
    float scale;
    float offset;
    if (!SolveAffine(x, weights, tried, n, scale, offset)) continue;
    const float error = AffineError(x, weights, tried, n, scale, offset);
    if (!(error < best_error)) continue;
    best_error = error;
    best = {scale, -offset};
    std::memcpy(codes, tried, sizeof(int) * static_cast<size_t>(n));
  }
  return best;
}

// x ~ scale * code, codes -levels to levels - 1; weight x^2.
float FitSymmetric(const float* x, int n, int levels, int* codes) {
  float extreme = 0;
  for (int i = 0; i < n; ++i) {
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  }
  for (int i = 0; i < n; ++i) codes[i] = 0;
  if (!(std::fabs(extreme) > kTiny)) return 0;
  float best_scale = 0;
  float best_xl = 0;  // error falls as xl^2 / ll grows
  float best_ll = 0;
  int tried[16];
  for (int step = -10; step <= 9; ++step) {
    // The plain scale comes first, then the shifted ones.
    const float shift = step == -10 ? 0 : 0.1f * static_cast<float>(step);
    if (step == 0) continue;
    const float inverse = -(static_cast<float>(levels) + shift) / extreme;
    ChooseCodes(x, n, inverse, 0, -levels, levels - 1, tried);
    float xl = 0;
    float ll = 0;
    for (int i = 0; i < n; ++i) {
      const float l = static_cast<float>(tried[i]);
      const float w = x[i] * x[i];
      xl += w * x[i] * l;
      ll += w * l * l;
    }
    if (!(ll > 0) ||
        (best_ll > 0 && !(xl * xl * best_ll > best_xl * best_xl * ll)))
      continue;
    best_xl = xl;
    best_ll = ll;
    best_scale = xl / ll;
    std::memcpy(codes, tried, sizeof(int) * static_cast<size_t>(n));
  }
  return best_scale;
}

void PackScaleMin(int i, int scale, int min, uint8_t* s) {
  const auto set = [s](int at, int bits) {
    s[at] = static_cast<uint8_t>(s[at] | bits);
  };
  if (i < 4) {
    set(i, scale);
    set(i + 4, min);
  } else {
    set(i + 4, (scale & 15) | (min & 15) << 4);
    set(i - 4, scale >> 4 << 6);
    set(i, min >> 4 << 6);
  }
}

}  // namespace

int NearestInt(float value, int low, int high) {
  if (!(value > static_cast<float>(low))) return low;
  if (value >= static_cast<float>(high)) return high;
  return static_cast<int>(std::nearbyint(value));
}

void EncodeBlock(const float* values, FormatQ4_K::Block& block) {
  constexpr int kGroup = 32;
  int codes[256];
  Affine fit[8];
  float largest_scale = 0;
  float largest_min = 0;
  for (int g = 0; g < 8; ++g) {
    const float* x = values + g * kGroup;
    float squares = 0;
    for (int i = 0; i < kGroup; ++i) squares += x[i] * x[i];
    const float rms = std::sqrt(squares / kGroup);
    float weights[kGroup];
    for (int i = 0; i < kGroup; ++i) weights[i] = rms + std::fabs(x[i]);
    fit[g] =
        FitAffine(x, weights, kGroup, 15, -1.0f, 0.1f, 20, codes + g * kGroup);
    largest_scale = std::fmax(largest_scale, fit[g].scale);
    largest_min = std::fmax(largest_min, fit[g].min);
  }
  block = {};
  block.d = FloatToHalf(largest_scale / 63.0f);
  block.dmin = FloatToHalf(largest_min / 63.0f);
  const float d = HalfToFloat(block.d);
  const float dmin = HalfToFloat(block.dmin);
  const float per_scale = largest_scale > 0 ? 63.0f / largest_scale : 0.0f;
  const float per_min = largest_min > 0 ? 63.0f / largest_min : 0.0f;
  for (int g = 0; g < 8; ++g) {
    const int scale = NearestInt(per_scale * fit[g].scale, 0, 63);
    const int min = NearestInt(per_min * fit[g].min, 0, 63);
    PackScaleMin(g, scale, min, block.scales);
    const float step = d * static_cast<float>(scale);
    if (step == 0) continue;
    for (int i = g * kGroup; i < (g + 1) * kGroup; ++i) {
      codes[i] = NearestInt((values[i] + dmin * static_cast<float>(min)) / step,
                            0, 15);
    }
  }
  for (int i = 0; i < 256; ++i) {
    const int byte = i / 64 * 32 + i % 32;
    const int shift = i % 64 < 32 ? 0 : 4;
    block.nibbles[byte] =
        static_cast<uint8_t>(block.nibbles[byte] | codes[i] << shift);
  }
}

void EncodeBlock(const float* values, FormatQ6_K::Block& block) {
  constexpr int kGroup = 16;
  int codes[256];
  float scales[16];
  float extreme = 0;  // the scale of largest magnitude, with its sign
  for (int g = 0; g < 16; ++g) {
    scales[g] =
        FitSymmetric(values + g * kGroup, kGroup, 32, codes + g * kGroup);
    if (std::fabs(scales[g]) > std::fabs(extreme)) extreme = scales[g];
  }
  block = {};
  if (!(std::fabs(extreme) > kTiny)) return;
  block.d = FloatToHalf(extreme / -128.0f);
  const float d = HalfToFloat(block.d);
  for (int g = 0; g < 16; ++g) {
    const int scale = NearestInt(scales[g] * (-128.0f / extreme), -128, 127);
    block.scales[g] = static_cast<int8_t>(scale);
    const float step = d * static_cast<float>(scale);
    if (step == 0) continue;
    for (int i = g * kGroup; i < (g + 1) * kGroup; ++i) {
      codes[i] = NearestInt(values[i] / step, -32, 31);
    }
  }
  for (int i = 0; i < 256; ++i) {
    const int code = codes[i] + 32;
    const int half = i / 128;
    const int j = i % 128;
    uint8_t& low = block.low[half * 64 + j % 64];
    uint8_t& high = block.high[half * 32 + j % 32];
    low = static_cast<uint8_t>(low | (code & 15) << (j < 64 ? 0 : 4));
    high = static_cast<uint8_t>(high | code >> 4 << (j / 32 * 2));
  }
}

}  // namespace braid
