// The encoders that choose: what importance buys, and that the choices are good
// ones, held against searches in double precision that leave nothing out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "tensor/codec.h"
#include "tensor/format_codes.h"
#include "tensor/formats.h"
#include "tensor/half.h"
#include "tensor/k_quants.h"

namespace braid {
namespace {

constexpr size_t kRow = 256;  // a block of every format
constexpr int kRows = 60;

std::vector<std::byte> Encode(DType type, std::span<const float> values,
                              const float* importance) {
  const auto count = static_cast<int64_t>(values.size());
  std::vector<std::byte> stored(RowBytes(type, count));
  EncodeWeightedRow(type, values.data(), importance, count, stored.data());
  return stored;
}

std::vector<float> Decode(DType type, const std::vector<std::byte>& stored,
                          size_t count) {
  std::vector<float> values(count);
  DecodeRow(type, stored.data(), static_cast<int64_t>(count), values.data());
  return values;
}

// About normal: the sum of four uniforms.
std::vector<float> Values(Random& random, size_t count) {
  std::vector<float> values(count);
  for (float& value : values) {
    for (int i = 0; i < 4; ++i) value += random.Uniform(-1.0f, 1.0f);
  }
  return values;
}

enum class Sign { kBoth, kPositive, kNegative, kFarFromZero };

std::vector<float> Values(Random& random, size_t count, Sign sign) {
  std::vector<float> values = Values(random, count);
  for (float& value : values) {
    if (sign == Sign::kPositive) value = std::fabs(value);
    if (sign == Sign::kNegative) value = -std::fabs(value);
    if (sign == Sign::kFarFromZero) value += 10;
  }
  return values;
}

enum class Spread { kEqual, kUniform, kThousandfold, kHalfZero, kMostlyZero };

std::vector<float> Importance(Random& random, size_t count, Spread spread) {
  std::vector<float> importance(count);
  for (float& weight : importance) {
    const float u = random.Uniform(0.0f, 1.0f);
    switch (spread) {
      case Spread::kEqual:
        weight = 1;
        break;
      case Spread::kUniform:
        weight = u;
        break;
      case Spread::kThousandfold:
        weight = std::exp2(10 * u);
        break;
      case Spread::kHalfZero:
        weight = u < 0.5f ? 0 : u;
        break;
      case Spread::kMostlyZero:
        weight = u < 1 / 32.0f ? 1 : 0;
        break;
    }
  }
  return importance;
}

// What an encoder is told to make small is not the importance alone: a large
// element counts more than a small one.
std::vector<double> Weights(DType type, const std::vector<float>& x,
                            const std::vector<float>& importance) {
  const bool whole_row = BlockElements(type) == 32 && type != DType::kIQ4_NL;
  const size_t span = type == DType::kIQ4_NL ? 32 : kRow;
  const double share = whole_row || type == DType::kQ2_K ? 1 : 2;
  std::vector<double> weights(importance.begin(), importance.end());
  if (type == DType::kQ6_K) return weights;
  for (size_t first = 0; first < x.size(); first += span) {
    double mean = 0;
    for (size_t i = first; i < first + span; ++i) mean += double{x[i]} * x[i];
    mean /= static_cast<double>(span);
    for (size_t i = first; i < first + span; ++i) {
      weights[i] *= std::sqrt(share * mean + double{x[i]} * x[i]);
    }
  }
  return weights;
}

double Error(const std::vector<float>& x, const std::vector<float>& decoded,
             const std::vector<double>& weights) {
  double error = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double e = double{x[i]} - decoded[i];
    error += weights[i] * e * e;
  }
  return error;
}

// Weighted errors of many rows of one block.
struct Comparison {
  double weighted = 0;    // of rows encoded with importance
  double unweighted = 0;  // and without
  double worst = 0;       // largest quotient of a row
  double largest = 0;     // decoded number, per largest of the row
};

Comparison Compare(DType type, Sign sign, Spread spread) {
  Random random(7, static_cast<uint64_t>(spread));
  Comparison sum;
  for (int row = 0; row < kRows; ++row) {
    const auto x = Values(random, kRow, sign);
    const auto importance = Importance(random, kRow, spread);
    const auto with = Decode(type, Encode(type, x, importance.data()), kRow);
    const auto without = Decode(type, Encode(type, x, nullptr), kRow);
    const auto weights = Weights(type, x, importance);
    const double error = Error(x, with, weights);
    const double other = Error(x, without, weights);
    sum.weighted += error;
    sum.unweighted += other;
    sum.worst = std::max(sum.worst, other > 0 ? error / other : 0);
    const auto magnitude = [](std::span<const float> values) {
      double largest = 0;
      for (const float value : values) {
        if (!std::isfinite(value)) return std::numeric_limits<double>::max();
        largest = std::max<double>(largest, std::fabs(value));
      }
      return largest;
    };
    sum.largest = std::max(sum.largest, magnitude(with) / magnitude(x));
  }
  return sum;
}

constexpr Sign kSigns[] = {Sign::kBoth, Sign::kPositive, Sign::kNegative,
                           Sign::kFarFromZero};
constexpr DType kIndifferent[] = {DType::kF32,  DType::kF16,   DType::kBF16,
                                  DType::kQ8_0, DType::kTQ1_0, DType::kTQ2_0,
                                  DType::kMXFP4};

bool Chooses(DType type) {
  return std::ranges::find(kIndifferent, type) == std::end(kIndifferent);
}

// Whether it tries what the unweighted encoder does: then only the rounding of
// scale and offset to halves can make the result worse. The error, as a norm,
// is that of the unrounded scale plus at most 2^-11 of the values' norm, once
// for either encoder; against errors of 1/64 of the values at least.
bool TriesThePlainCodes(DType type) {
  return type == DType::kQ4_0 || type == DType::kQ4_1 || type == DType::kQ5_0 ||
         type == DType::kQ5_1;
}

double AllowedWorst(DType type) {
  constexpr double kNorm = 1 + 64 * 2 * 0x1p-11;
  // Scales of sub-blocks are rounded to integers, of which there are few: a
  // better scale may be rounded to a worse one.
  constexpr double kSubBlocks = 1.3;
  return TriesThePlainCodes(type) ? kNorm * kNorm : kSubBlocks;
}

class WeightedEncodeTest : public testing::TestWithParam<DType> {
 protected:
  DType type() const { return GetParam(); }
};

TEST_P(WeightedEncodeTest, WithoutImportanceItIsTheOtherEncoder) {
  Random random(1);
  const auto x = Values(random, kRow);
  std::vector<std::byte> plain(RowBytes(type(), kRow));
  EncodeRow(type(), x.data(), kRow, plain.data());
  EXPECT_EQ(Encode(type(), x, nullptr), plain);
  const auto importance = Importance(random, kRow, Spread::kThousandfold);
  EXPECT_EQ(Encode(type(), x, importance.data()) != plain, Chooses(type()));
}

TEST_P(WeightedEncodeTest, TheErrorIsNotAboveThatWithoutImportance) {
  for (const Sign sign : kSigns) {
    for (const Spread spread : {Spread::kEqual, Spread::kUniform,
                                Spread::kThousandfold, Spread::kHalfZero}) {
      const Comparison sum = Compare(type(), sign, spread);
      EXPECT_LE(sum.weighted, sum.unweighted);
      EXPECT_LE(sum.worst, AllowedWorst(type()))
          << "signs " << static_cast<int>(sign) << ", spread "
          << static_cast<int>(spread);
      // The more importance differs, the more there is to gain.
      if (Chooses(type()) && spread == Spread::kThousandfold) {
        EXPECT_LE(sum.weighted, 0.85 * sum.unweighted);
      }
    }
  }
}

// A single number of a sub-block counts, or two: a fit to these may take the
// others anywhere, and the sub-blocks beside them share what scales count in.
TEST_P(WeightedEncodeTest, WhatHasNoWeightStaysInRange) {
  for (const Sign sign : kSigns) {
    const Comparison sum = Compare(type(), sign, Spread::kMostlyZero);
    // Q2_K of negative numbers has next to nothing to choose.
    EXPECT_LE(sum.weighted, 1.05 * sum.unweighted) << static_cast<int>(sign);
    EXPECT_LE(sum.largest, 2.0);
  }
  Random random(9);
  const auto x = Values(random, kRow);
  const std::vector<float> none(kRow, 0.0f);
  for (const float value :
       Decode(type(), Encode(type(), x, none.data()), kRow)) {
    EXPECT_LE(std::fabs(value), 8);
  }
}

TEST_P(WeightedEncodeTest, EqualBlocksForEqualInput) {
  Random random(2);
  constexpr size_t kTimes = 3;
  std::vector<float> x = Values(random, kRow);
  auto importance = Importance(random, kRow, Spread::kThousandfold);
  std::vector<float> more_x;
  std::vector<float> more_importance;
  for (size_t i = 0; i < kTimes; ++i) {
    more_x.insert(more_x.end(), x.begin(), x.end());
    more_importance.insert(more_importance.end(), importance.begin(),
                           importance.end());
  }
  for (const bool weighted : {false, true}) {
    const auto once = Encode(type(), x, weighted ? importance.data() : nullptr);
    const auto stored =
        Encode(type(), more_x, weighted ? more_importance.data() : nullptr);
    ASSERT_EQ(stored.size(), kTimes * once.size());
    // A mean over a longer row is rounded otherwise, so not against `once`.
    for (size_t i = once.size(); i < stored.size(); ++i) {
      ASSERT_EQ(stored[i], stored[i - once.size()]) << i;
    }
    EXPECT_EQ(stored, Encode(type(), more_x,
                             weighted ? more_importance.data() : nullptr));
  }
}

TEST_P(WeightedEncodeTest, BlocksOfARowStandAlone) {
  Random random(3);
  const auto elements = static_cast<size_t>(BlockElements(type()));
  const bool row_decides = TriesThePlainCodes(type());  // by its mean square
  for (const size_t blocks : {1, 3, 7}) {
    const auto x = Values(random, blocks * elements);
    const auto importance =
        Importance(random, blocks * elements, Spread::kUniform);
    for (const bool weighted : {false, true}) {
      if (weighted && row_decides) continue;
      std::vector<std::byte> alone;
      for (size_t first = 0; first < x.size(); first += elements) {
        const auto block =
            Encode(type(), std::span(x).subspan(first, elements),
                   weighted ? importance.data() + first : nullptr);
        alone.insert(alone.end(), block.begin(), block.end());
      }
      EXPECT_EQ(Encode(type(), x, weighted ? importance.data() : nullptr),
                alone);
    }
  }
}

TEST_P(WeightedEncodeTest, ZerosStayZerosBesideOthers) {
  Random random(4);
  std::vector<float> x = Values(random, 3 * kRow);
  std::fill_n(x.begin() + kRow, kRow, 0.0f);
  const auto importance = Importance(random, x.size(), Spread::kThousandfold);
  const auto decoded =
      Decode(type(), Encode(type(), x, importance.data()), x.size());
  for (size_t i = kRow; i < 2 * kRow; ++i) EXPECT_EQ(decoded[i], 0.0f);
  EXPECT_NE(decoded[0], 0.0f);
}

INSTANTIATE_TEST_SUITE_P(Formats, WeightedEncodeTest,
                         testing::ValuesIn(kAllDTypes),
                         [](const testing::TestParamInfo<DType>& type) {
                           return std::string(Name(type.param));
                         });

// Codes of a searching format, from 0.
int CodeCount(DType type) {
  if (type == DType::kQ2_K) return 4;
  if (type == DType::kQ3_K) return 8;
  if (type == DType::kQ5_K) return 32;
  return type == DType::kQ6_K ? 64 : 16;
}

class SearchTest : public testing::TestWithParam<DType> {};

// What scales a block stores, no other codes would have been better.
TEST_P(SearchTest, EveryCodeIsTheNearest) {
  Random random(5);
  const auto importance = Importance(random, kRow, Spread::kThousandfold);
  for (int row = 0; row < kRows; ++row) {
    const auto x = Values(random, kRow, kSigns[row % 4]);
    const float* weights = row % 2 == 0 ? nullptr : importance.data();
    const auto stored = Encode(GetParam(), x, weights);
    const auto decoded = Decode(GetParam(), stored, kRow);
    VisitFormat(GetParam(), [&](auto format) {
      using Format = decltype(format);
      if constexpr (Format::kScaledElements > 0) {
        for (size_t i = 0; i < kRow; ++i) {
          typename Format::Block block;
          std::memcpy(&block,
                      stored.data() + i / Format::kElements * sizeof(block),
                      sizeof(block));
          const ScaleOffset unpacked =
              UnpackScale(block, static_cast<int>(i % Format::kElements) /
                                     Format::kScaledElements);
          double offset = 0;
          if constexpr (Format::kHasOffset) offset = unpacked.offset;
          double nearest = std::numeric_limits<double>::infinity();
          for (int code = 0; code < CodeCount(GetParam()); ++code) {
            const double value =
                double{unpacked.scale} * CodeValue<Format>(code) + offset;
            nearest = std::min(nearest, std::fabs(value - x[i]));
          }
          // Between two codes a rounding decides.
          const double rounding =
              1e-5 * (std::fabs(double{unpacked.scale}) + std::fabs(x[i]));
          ASSERT_LE(std::fabs(double{decoded[i]} - x[i]), nearest + rounding)
              << "row " << row << ", element " << i;
        }
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, SearchTest,
                         testing::Values(DType::kQ2_K, DType::kQ3_K,
                                         DType::kQ4_K, DType::kQ5_K,
                                         DType::kQ6_K, DType::kIQ4_NL,
                                         DType::kIQ4_XS),
                         [](const testing::TestParamInfo<DType>& type) {
                           return std::string(Name(type.param));
                         });

// The least weighted error that any scale gives x ~ scale * level with the
// level of each element free: between two neighbours of `turns` no level
// changes, so one scale of each interval stands for all of them.
template <class LevelOf>
double LeastError(std::span<const float> x, std::span<const float> weights,
                  std::vector<double> turns, LevelOf level_of) {
  double squares = 0;
  for (size_t i = 0; i < x.size(); ++i)
    squares += double{weights[i]} * x[i] * x[i];
  std::ranges::sort(turns);
  turns.insert(turns.begin(), turns.front() - 1);
  turns.push_back(turns.back() + 1);
  double best = squares;
  for (size_t t = 0; t + 1 < turns.size(); ++t) {
    const double inverse = (turns[t] + turns[t + 1]) / 2;
    double xl = 0;
    double ll = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double level = level_of(inverse * x[i]);
      xl += weights[i] * level * x[i];
      ll += weights[i] * level * level;
    }
    if (ll > 0) best = std::min(best, squares - xl * xl / ll);
  }
  return best;
}

// Whatever of 1 / scale puts an element on an edge between two levels.
std::vector<double> Turns(std::span<const float> x,
                          const std::vector<double>& edges) {
  std::vector<double> turns;
  for (const float value : x) {
    for (const double edge : edges) turns.push_back(edge / value);
  }
  return turns;
}

TEST(FitSymmetricTest, IsNearTheBestScaleOfAll) {
  Random random(6);
  for (const int levels : {4, 8, 16, 32}) {
    std::vector<double> edges;
    for (int level = -levels; level < levels - 1; ++level) {
      edges.push_back(level + 0.5);
    }
    double found = 0;
    double least = 0;
    for (int draw = 0; draw < 40; ++draw) {
      const auto x = Values(random, 16, kSigns[draw % 4]);
      const auto weights = Importance(random, 16, Spread::kUniform);
      int codes[16];
      const float scale =
          FitSymmetric(x.data(), weights.data(), 16, levels, codes);
      double error = 0;
      for (size_t i = 0; i < 16; ++i) {
        ASSERT_GE(codes[i], -levels);
        ASSERT_LT(codes[i], levels);
        const double e = double{scale} * codes[i] - x[i];
        error += weights[i] * e * e;
      }
      const double best =
          LeastError(x, weights, Turns(x, edges), [levels](double value) {
            return std::clamp<double>(std::nearbyint(value), -levels,
                                      levels - 1);
          });
      EXPECT_GE(error, best * (1 - 1e-4)) << levels;
      found += error;
      least += best;
    }
    EXPECT_LE(found, (levels < 32 ? 1.03 : 1.2) * least) << levels;
  }
}

TEST(FitLevelsTest, IsNearTheBestScaleOfAll) {
  Random random(8);
  std::vector<double> edges;
  for (int code = 0; code < 15; ++code) {
    edges.push_back((kIq4Values[code] + kIq4Values[code + 1]) / 2.0);
  }
  double found = 0;
  double least = 0;
  for (int draw = 0; draw < 40; ++draw) {
    const auto x = Values(random, 32, kSigns[draw % 4]);
    std::vector<float> weights;
    for (const float value : x) weights.push_back(value * value);
    const auto decoded =
        Decode(DType::kIQ4_NL, Encode(DType::kIQ4_NL, x, nullptr), 32);
    const double error =
        Error(x, decoded, std::vector<double>(weights.begin(), weights.end()));
    const double best =
        LeastError(x, weights, Turns(x, edges), [&edges](double value) {
          const auto above = std::ranges::upper_bound(edges, value);
          return static_cast<double>(kIq4Values[above - edges.begin()]);
        });
    EXPECT_GE(error, best * (1 - 1e-4));
    found += error;
    least += best;
  }
  EXPECT_LE(found, 1.03 * least);
}

// One choice of codes of FitAffine, in double.
struct AffineOracle {
  std::span<const float> x;
  std::span<const float> weights;
  int levels;
  double low;
  double high;

  double ErrorOf(const std::vector<double>& codes, double scale,
                 double offset) const {
    double error = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double e = scale * codes[i] + offset - x[i];
      error += weights[i] * e * e;
    }
    return error;
  }

  std::vector<double> Codes(double shift) const {
    std::vector<double> codes;
    for (const float value : x) {
      const double code = (levels + shift) / (high - low) * (value - low);
      codes.push_back(std::clamp<double>(std::nearbyint(code), 0, levels));
    }
    return codes;
  }

  // Solved for scale and offset <= 0 by the normal equations.
  double Solved(double shift) const {
    const auto codes = Codes(shift);
    double w = 0, sx = 0, sl = 0, sll = 0, sxl = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      w += weights[i];
      sx += double{weights[i]} * x[i];
      sl += weights[i] * codes[i];
      sll += weights[i] * codes[i] * codes[i];
      sxl += weights[i] * codes[i] * x[i];
    }
    const double determinant = w * sll - sl * sl;
    const double offset = (sll * sx - sl * sxl) / determinant;
    if (offset > 0) return ErrorOf(codes, sxl / sll, 0);
    return ErrorOf(codes, (w * sxl - sx * sl) / determinant, offset);
  }
};

// A shift of -1/2, of the encoders' own, puts the largest on an edge between
// two codes; these do not.
TEST(FitAffineTest, KeepsTheBestOfWhatItTries) {
  Random random(10);
  for (int draw = 0; draw < 60; ++draw) {
    const auto x = Values(random, 32, kSigns[draw % 4]);
    const auto weights = Importance(random, 32, Spread::kUniform);
    for (const int levels : {3, 15, 31}) {
      int codes[32];
      const Affine fit = FitAffine(x.data(), weights.data(), 32, levels, -0.87f,
                                   0.05f, 36, codes);
      const AffineOracle oracle{x, weights, levels,
                                std::min(0.0f, *std::ranges::min_element(x)),
                                *std::ranges::max_element(x)};
      double best = oracle.ErrorOf(
          oracle.Codes(0), (oracle.high - oracle.low) / levels, oracle.low);
      for (int step = 0; step <= 36; ++step) {
        best = std::min(best, oracle.Solved(-0.87 + 0.05 * step));
      }
      const std::vector<double> chosen(codes, codes + 32);
      EXPECT_GE(fit.min, 0);
      EXPECT_NEAR(oracle.ErrorOf(chosen, fit.scale, -fit.min), best,
                  1e-3 * best)
          << levels;
    }
  }
}

// The scales and offsets of an affine block, against those that its sub-blocks
// would have alone: rounded to the nearest integer of their range.
template <class Format>
void ExpectNearestScales(std::span<const float> x, int levels) {
  typename Format::Block block;
  EncodeBlock(x.data(), nullptr, block);
  constexpr int kGroup = Format::kScaledElements;
  const double d = HalfToFloat(block.d);
  const double dmin = HalfToFloat(block.dmin);
  for (int sub = 0; sub < Format::kElements / kGroup; ++sub) {
    const float* group = x.data() + sub * kGroup;
    float squares = 0;
    for (int i = 0; i < kGroup; ++i) squares += group[i] * group[i];
    float weights[kGroup];
    for (int i = 0; i < kGroup; ++i) {
      weights[i] = std::sqrt(squares / kGroup) + std::fabs(group[i]);
    }
    int codes[kGroup];
    const Affine alone =
        FitAffine(group, weights, kGroup, levels, -1.0f, 0.1f, 20, codes);
    const ScaleOffset stored = UnpackScale(block, sub);
    // Half a step, and the rounding of d to a half at the largest scale.
    EXPECT_LE(std::fabs(stored.scale - alone.scale),
              0.5 * d + 0x1p-10 * alone.scale)
        << sub;
    EXPECT_LE(std::fabs(-stored.offset - alone.min),
              0.5 * dmin + 0x1p-10 * alone.min)
        << sub;
  }
}

TEST(EncodeAffineTest, ScalesAreThoseOfTheSubBlocks) {
  Random random(11);
  for (int row = 0; row < kRows; ++row) {
    const auto x = Values(random, kRow, kSigns[row % 4]);
    ExpectNearestScales<FormatQ2_K>(x, 3);
    ExpectNearestScales<FormatQ4_K>(x, 15);
    ExpectNearestScales<FormatQ5_K>(x, 31);
  }
}

TEST(EncodeSymmetricTest, ScalesAreThoseOfTheSubBlocks) {
  Random random(12);
  for (int row = 0; row < kRows; ++row) {
    const auto x = Values(random, kRow, kSigns[row % 4]);
    FormatQ6_K::Block block;
    EncodeBlock(x.data(), nullptr, block);
    const double d = std::fabs(HalfToFloat(block.d));
    for (int sub = 0; sub < 16; ++sub) {
      const float* group = x.data() + sub * 16;
      float squares[16];
      for (int i = 0; i < 16; ++i) squares[i] = group[i] * group[i];
      int codes[16];
      const double alone = FitSymmetric(group, squares, 16, 32, codes);
      // At the end of the range, 127, a whole step.
      const double step = block.scales[sub] == 127 ? d : 0.5 * d;
      EXPECT_LE(std::fabs(UnpackScale(block, sub).scale - alone),
                step + 0x1p-10 * std::fabs(alone))
          << sub;
    }
  }
}

}  // namespace
}  // namespace braid
