#include "tensor/k_quants.h"

#include <array>
#include <cmath>
#include <cstring>

#include "tensor/half.h"

namespace braid {

namespace {

// Below this a block counts as all zero: a quotient by it would overflow.
constexpr float kTiny = 1e-15f;

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

// The least-squares scale and offset for given codes; offset <= 0. False: all
// that has weight has code 0.
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
  if (!(s.ll > 0)) return false;
  // Where all that has weight has the same code, only rounding is left.
  constexpr float kSingular = 1e-5f;
  const float determinant = s.w * s.ll - s.l * s.l;
  const bool is_regular = determinant > kSingular * s.w * s.ll;
  if (is_regular) {
    scale = (s.w * s.xl - s.x * s.l) / determinant;
    offset = (s.ll * s.x - s.l * s.xl) / determinant;
  }
  if (!is_regular || offset > 0) {
    offset = 0;
    scale = s.xl / s.ll;
  }
  return true;
}

}  // namespace

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
    // K blocks store no negative scale. A fit to the few that have weight may
    // ask for one.
    if (!(scale > 0)) continue;
    const float error = AffineError(x, weights, tried, n, scale, offset);
    if (!(error < best_error)) continue;
    best_error = error;
    best = {scale, -offset};
    std::memcpy(codes, tried, sizeof(int) * static_cast<size_t>(n));
  }
  return best;
}

float FitSymmetric(const float* x, const float* weights, int n, int levels,
                   int* codes) {
  float extreme = 0;
  for (int i = 0; i < n; ++i) {
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  }
  for (int i = 0; i < n; ++i) codes[i] = 0;
  if (!(std::fabs(extreme) > kTiny)) return 0;
  float best_scale = 0;
  float best_xl = 0;  // error falls as xl^2 / ll grows
  float best_ll = 0;
  int tried[32];
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
      const float w = weights[i];
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

namespace {

float SumOfSquares(const float* x, int n) {
  float squares = 0;
  for (int i = 0; i < n; ++i) squares += x[i] * x[i];
  return squares;
}

// What a large element weighs more than a small one of the same importance:
// `share` of the block's mean square keeps small ones in the sum.
void BlockWeights(const float* x, const float* importance, float share, int n,
                  float* weights) {
  const float mean = share * SumOfSquares(x, n) / static_cast<float>(n);
  for (int i = 0; i < n; ++i) {
    weights[i] = importance[i] * std::sqrt(mean + x[i] * x[i]);
  }
}

void SquareWeights(const float* x, int n, float* weights) {
  for (int i = 0; i < n; ++i) weights[i] = x[i] * x[i];
}

// Weights of a sub-block without importance.
void AffineWeights(const float* x, int n, float* weights) {
  const float rms = std::sqrt(SumOfSquares(x, n) / static_cast<float>(n));
  for (int i = 0; i < n; ++i) weights[i] = rms + std::fabs(x[i]);
}

float Sum(const float* x, int n) {
  float sum = 0;
  for (int i = 0; i < n; ++i) sum += x[i];
  return sum;
}

// Sums that decide how well levels l fit x: the error falls as xl^2 / ll grows.
struct Gain {
  float xl = 0;
  float ll = 0;

  Gain Plus(float w, float x, int level) const {
    const float l = static_cast<float>(level);
    return {xl + w * x * l, ll + w * l * l};
  }
  bool Beats(const Gain& other) const {
    return ll > 0 &&
           (other.ll <= 0 || xl * xl * other.ll > other.xl * other.xl * ll);
  }
};

// Moves one code after another while that helps, in a few passes.
void MoveCodes(const float* x, const float* weights, int n, int low, int high,
               int* codes, Gain& best) {
  constexpr int kPasses = 5;
  for (int pass = 0; pass < kPasses; ++pass) {
    bool moved = false;
    for (int i = 0; i < n; ++i) {
      const Gain without = best.Plus(-weights[i], x[i], codes[i]);
      if (!(without.xl != 0 && without.ll > 0)) continue;
      const int code = NearestInt(x[i] * without.ll / without.xl, low, high);
      const Gain gain = without.Plus(weights[i], x[i], code);
      if (code == codes[i] || !gain.Beats(best)) continue;
      best = gain;
      codes[i] = code;
      moved = true;
    }
    if (!moved) return;
  }
}

// FitSymmetric from one scale, that of the largest element: with 8 levels and
// long tails, moving single codes finds more than other scales do.
float FitByMoves(const float* x, const float* weights, int n, int levels,
                 int* codes) {
  float extreme = 0;
  for (int i = 0; i < n; ++i) {
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
    codes[i] = 0;
  }
  if (!(std::fabs(extreme) > kTiny)) return 0;
  ChooseCodes(x, n, -static_cast<float>(levels) / extreme, 0, -levels,
              levels - 1, codes);
  Gain gain;
  for (int i = 0; i < n; ++i) gain = gain.Plus(weights[i], x[i], codes[i]);
  MoveCodes(x, weights, n, -levels, levels - 1, codes, gain);
  return gain.ll > 0 ? gain.xl / gain.ll : 0;
}

// x ~ scale * code for x >= 0, codes 0 to `top`: scales around max / top, then
// one code after another is moved while that helps. Returns the scale.
float FitPositive(const float* x, const float* weights, int n, int top,
                  int* codes) {
  float largest = 0;
  for (int i = 0; i < n; ++i) {
    largest = std::fmax(largest, x[i]);
    codes[i] = 0;
  }
  if (!(largest > kTiny)) return 0;
  const float limit = static_cast<float>(top);
  Gain best;
  int tried[32];
  for (int step = -4; step <= 4; ++step) {
    const float inverse = (limit + 0.1f * static_cast<float>(step)) / largest;
    ChooseCodes(x, n, inverse, 0, 0, top, tried);
    Gain gain;
    for (int i = 0; i < n; ++i) gain = gain.Plus(weights[i], x[i], tried[i]);
    if (!gain.Beats(best)) continue;
    best = gain;
    std::memcpy(codes, tried, sizeof(int) * static_cast<size_t>(n));
  }
  MoveCodes(x, weights, n, 0, top, codes, best);
  return best.ll > 0 ? best.xl / best.ll : 0;
}

// Rounds what is not negative to integers 0 to `top` and returns what they
// count in, as a half. Without weights the largest is `top`.
uint16_t RoundPositive(const float* x, const float* weights, int n, int top,
                       int* rounded) {
  if (weights != nullptr) {
    return FloatToHalf(FitPositive(x, weights, n, top, rounded));
  }
  float largest = 0;
  for (int i = 0; i < n; ++i) largest = std::fmax(largest, x[i]);
  const float limit = static_cast<float>(top);
  const float inverse = largest > 0 ? limit / largest : 0.0f;
  for (int i = 0; i < n; ++i) rounded[i] = NearestInt(inverse * x[i], 0, top);
  return FloatToHalf(largest / limit);
}

// The integer scales and minima of a block's sub-blocks, and its codes.
template <int kSubBlocks>
struct AffineBlock {
  uint16_t d;
  uint16_t dmin;
  int scale[kSubBlocks];
  int min[kSubBlocks];
  int codes[256];
};

// Codes 0 to `levels`, scales and minima 0 to `top`.
template <int kSubBlocks>
void EncodeAffine(const float* values, const float* importance, float share,
                  int levels, int top, AffineBlock<kSubBlocks>& block) {
  constexpr int kGroup = 256 / kSubBlocks;
  float scales[kSubBlocks];
  float mins[kSubBlocks];
  float weights[256];
  float group_weights[kSubBlocks];
  if (importance != nullptr) {
    BlockWeights(values, importance, share, 256, weights);
  }
  for (int g = 0; g < kSubBlocks; ++g) {
    const float* x = values + g * kGroup;
    float* const w = weights + g * kGroup;
    if (importance == nullptr) AffineWeights(x, kGroup, w);
    const Affine fit = importance == nullptr
                           ? FitAffine(x, w, kGroup, levels, -1.0f, 0.1f, 20,
                                       block.codes + g * kGroup)
                           : FitAffine(x, w, kGroup, levels, -0.9f, 0.05f, 36,
                                       block.codes + g * kGroup);
    scales[g] = fit.scale;
    mins[g] = fit.min;
    group_weights[g] = Sum(w, kGroup);
  }
  const float* const chosen = importance == nullptr ? nullptr : group_weights;
  block.d = RoundPositive(scales, chosen, kSubBlocks, top, block.scale);
  block.dmin = RoundPositive(mins, chosen, kSubBlocks, top, block.min);
  const float d = HalfToFloat(block.d);
  const float dmin = HalfToFloat(block.dmin);
  for (int g = 0; g < kSubBlocks; ++g) {
    const float step = d * static_cast<float>(block.scale[g]);
    if (step == 0) continue;
    const float min = dmin * static_cast<float>(block.min[g]);
    for (int i = g * kGroup; i < (g + 1) * kGroup; ++i) {
      block.codes[i] = NearestInt((values[i] + min) / step, 0, levels);
    }
  }
}

// The 6-bit pairs of Q4_K and Q5_K.
void PackScaleMins(const AffineBlock<8>& block, uint8_t (&s)[12]) {
  for (uint8_t& byte : s) byte = 0;
  const auto set = [&s](int at, int bits) {
    s[at] = static_cast<uint8_t>(s[at] | bits);
  };
  for (int i = 0; i < 8; ++i) {
    const int scale = block.scale[i];
    const int min = block.min[i];
    if (i < 4) {
      set(i, scale);
      set(i + 4, min);
    } else {
      set(i + 4, (scale & 15) | (min & 15) << 4);
      set(i - 4, scale >> 4 << 6);
      set(i, min >> 4 << 6);
    }
  }
}

// Low nibbles in the order of Q4_K.
void PackLongNibbles(const int* codes, uint8_t (&nibbles)[128]) {
  for (int i = 0; i < 128; ++i) {
    const int* pair = codes + i / 32 * 64 + i % 32;
    nibbles[i] = static_cast<uint8_t>((pair[0] & 15) | (pair[32] & 15) << 4);
  }
}

// Bit `bit` of the codes, in the order of Q3_K and Q5_K.
void PackHighBits(const int* codes, int bit, uint8_t (&high)[32]) {
  for (uint8_t& byte : high) byte = 0;
  for (int i = 0; i < 256; ++i) {
    const int set = (codes[i] >> bit) & 1;
    high[i % 32] = static_cast<uint8_t>(high[i % 32] | set << (i / 32));
  }
}

// Rounds the scales of sub-blocks to integers -`top` to `top` - 1 and returns
// what they count in, as a half: the scale of largest magnitude is -top. 0 if
// all are tiny.
uint16_t RoundScales(const float* scales, int count, int top, int* rounded) {
  float extreme = 0;
  for (int g = 0; g < count; ++g) {
    if (std::fabs(scales[g]) > std::fabs(extreme)) extreme = scales[g];
    rounded[g] = 0;
  }
  if (!(std::fabs(extreme) > kTiny)) return 0;
  const float limit = -static_cast<float>(top);
  for (int g = 0; g < count; ++g) {
    rounded[g] = NearestInt(scales[g] * (limit / extreme), -top, top - 1);
  }
  return FloatToHalf(extreme / limit);
}

// The integer scales of a block's sub-blocks of 16, and its codes.
struct SymmetricBlock {
  uint16_t d;
  int scale[16];
  int codes[256];  // 0 to 2 * levels - 1
};

using FitCodes = float (*)(const float* x, const float* weights, int n,
                           int levels, int* codes);

// Values scale * (code - levels), scales -`top` to `top` - 1.
void EncodeSymmetric(const float* values, const float* weights, FitCodes fit,
                     int levels, int top, bool fit_scales,
                     SymmetricBlock& block) {
  constexpr int kGroup = 16;
  float scales[16];
  float group_weights[16];
  for (int g = 0; g < 16; ++g) {
    const float* const w = weights + g * kGroup;
    scales[g] =
        fit(values + g * kGroup, w, kGroup, levels, block.codes + g * kGroup);
    group_weights[g] = Sum(w, kGroup);
  }
  block.d = fit_scales ? FloatToHalf(FitSymmetric(scales, group_weights, 16,
                                                  top, block.scale))
                       : RoundScales(scales, 16, top, block.scale);
  const float d = HalfToFloat(block.d);
  for (int i = 0; i < 256; ++i) {
    const float step = d * static_cast<float>(block.scale[i / kGroup]);
    if (step != 0) {
      block.codes[i] = NearestInt(values[i] / step, -levels, levels - 1);
    }
    block.codes[i] += levels;
  }
}

// Where the nearest level changes: between levels i and i + 1.
constexpr auto kLevelBorders = [] {
  std::array<float, 15> borders = {};
  for (size_t i = 0; i < 15; ++i) {
    borders[i] = 0.5f * static_cast<float>(kIq4Values[i] + kIq4Values[i + 1]);
  }
  return borders;
}();

// The level nearest to `value`, as a code: the borders below it, without a
// branch, for none could be predicted.
int NearestLevel(float value) {
  size_t below = value > kLevelBorders[7] ? 8 : 0;
  below += value > kLevelBorders[below + 3] ? 4 : 0;
  below += value > kLevelBorders[below + 1] ? 2 : 0;
  return static_cast<int>(below) + (value > kLevelBorders[below] ? 1 : 0);
}

// x ~ scale * level.
float FitLevels(const float* x, const float* weights) {
  float extreme = 0;
  for (int i = 0; i < 32; ++i) {
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  }
  if (!(std::fabs(extreme) > kTiny)) return 0;
  float best_scale = 0;
  float best_gain = 0;  // the error falls as xl^2 / ll grows
  for (int step = -7; step <= 7; ++step) {
    const float inverse =
        (static_cast<float>(step) + static_cast<float>(kIq4Values[0])) /
        extreme;
    float xl = 0;
    float ll = 0;
    for (int i = 0; i < 32; ++i) {
      const float level =
          static_cast<float>(kIq4Values[NearestLevel(x[i] * inverse)]);
      const float w = weights[i];
      xl += w * x[i] * level;
      ll += w * level * level;
    }
    if (!(ll > 0) || !(xl * (xl / ll) > best_gain)) continue;
    best_scale = xl / ll;
    best_gain = xl * best_scale;
  }
  return best_scale;
}

// 32 codes for `scale`, in the nibble order of Q4_0.
void PackLevels(const float* x, float scale, uint8_t* nibbles) {
  const float inverse = scale == 0 ? 0.0f : 1.0f / scale;
  for (int i = 0; i < 16; ++i) {
    nibbles[i] = static_cast<uint8_t>(NearestLevel(x[i] * inverse) |
                                      NearestLevel(x[i + 16] * inverse) << 4);
  }
}

}  // namespace

int NearestInt(float value, int low, int high) {
  if (!(value > static_cast<float>(low))) return low;
  if (value >= static_cast<float>(high)) return high;
  return static_cast<int>(std::nearbyint(value));
}

void PackPairs(const int* codes, uint8_t (&low)[64]) {
  for (int i = 0; i < 64; ++i) {
    const int* first = codes + i / 32 * 128 + i % 32;
    low[i] = static_cast<uint8_t>((first[0] & 3) | (first[32] & 3) << 2 |
                                  (first[64] & 3) << 4 | (first[96] & 3) << 6);
  }
}

void EncodeBlock(const float* values, const float* importance,
                 FormatQ2_K::Block& block) {
  AffineBlock<16> encoded;
  EncodeAffine(values, importance, 1, 3, 15, encoded);
  block.d = encoded.d;
  block.dmin = encoded.dmin;
  for (int i = 0; i < 16; ++i) {
    block.scales[i] =
        static_cast<uint8_t>(encoded.scale[i] | encoded.min[i] << 4);
  }
  PackPairs(encoded.codes, block.low);
}

void EncodeBlock(const float* values, const float* importance,
                 FormatQ4_K::Block& block) {
  AffineBlock<8> encoded;
  EncodeAffine(values, importance, 2, 15, 63, encoded);
  block.d = encoded.d;
  block.dmin = encoded.dmin;
  PackScaleMins(encoded, block.scales);
  PackLongNibbles(encoded.codes, block.nibbles);
}

void EncodeBlock(const float* values, const float* importance,
                 FormatQ5_K::Block& block) {
  AffineBlock<8> encoded;
  EncodeAffine(values, importance, 2, 31, 63, encoded);
  block.d = encoded.d;
  block.dmin = encoded.dmin;
  PackScaleMins(encoded, block.scales);
  PackHighBits(encoded.codes, 4, block.high);
  PackLongNibbles(encoded.codes, block.nibbles);
}

void EncodeBlock(const float* values, const float* importance,
                 FormatQ3_K::Block& block) {
  float weights[256];
  if (importance == nullptr) {
    SquareWeights(values, 256, weights);
  } else {
    BlockWeights(values, importance, 2, 256, weights);
  }
  SymmetricBlock encoded;
  EncodeSymmetric(values, weights,
                  importance == nullptr ? FitByMoves : FitSymmetric, 4, 32,
                  importance != nullptr, encoded);
  block = {};
  block.d = encoded.d;
  for (int i = 0; i < 16; ++i) {
    const int scale = encoded.scale[i] + 32;
    uint8_t& low = block.scales[i % 8];
    uint8_t& high = block.scales[8 + i % 4];
    low = static_cast<uint8_t>(low | (scale & 15) << (i / 8 * 4));
    high = static_cast<uint8_t>(high | scale >> 4 << (i / 4 * 2));
  }
  PackHighBits(encoded.codes, 2, block.high);
  PackPairs(encoded.codes, block.low);
}

void EncodeBlock(const float* values, const float* importance,
                 FormatQ6_K::Block& block) {
  float squares[256];
  SquareWeights(values, 256, squares);
  SymmetricBlock encoded;
  EncodeSymmetric(values, importance == nullptr ? squares : importance,
                  FitSymmetric, 32, 128, false, encoded);
  block = {};
  block.d = encoded.d;
  for (int i = 0; i < 16; ++i) {
    block.scales[i] = static_cast<int8_t>(encoded.scale[i]);
  }
  for (int i = 0; i < 256; ++i) {
    const int code = encoded.codes[i];
    const int half = i / 128;
    const int j = i % 128;
    uint8_t& low = block.low[half * 64 + j % 64];
    uint8_t& high = block.high[half * 32 + j % 32];
    low = static_cast<uint8_t>(low | (code & 15) << (j < 64 ? 0 : 4));
    high = static_cast<uint8_t>(high | code >> 4 << (j / 32 * 2));
  }
}

void EncodeBlock(const float* values, const float* importance,
                 FormatIQ4_NL::Block& block) {
  float weights[32];
  if (importance == nullptr) {
    SquareWeights(values, 32, weights);
  } else {
    BlockWeights(values, importance, 2, 32, weights);
  }
  block.d = FloatToHalf(FitLevels(values, weights));
  PackLevels(values, HalfToFloat(block.d), block.nibbles);
}

void EncodeBlock(const float* values, const float* importance,
                 FormatIQ4_XS::Block& block) {
  float weights[256];
  if (importance == nullptr) {
    SquareWeights(values, 256, weights);
  } else {
    BlockWeights(values, importance, 2, 256, weights);
  }
  float scales[8];
  for (int g = 0; g < 8; ++g) {
    scales[g] = FitLevels(values + g * 32, weights + g * 32);
  }
  int rounded[8];
  block = {};
  block.d = RoundScales(scales, 8, 32, rounded);
  for (int g = 0; g < 8; ++g) {
    const int scale = rounded[g] + 32;
    uint8_t& low = block.scales_low[g / 2];
    low = static_cast<uint8_t>(low | (scale & 15) << (g % 2 * 4));
    block.scales_high =
        static_cast<uint16_t>(block.scales_high | scale >> 4 << (g * 2));
    PackLevels(values + g * 32,
               HalfToFloat(block.d) * static_cast<float>(rounded[g]),
               block.nibbles + g * 16);
  }
}

}  // namespace braid
