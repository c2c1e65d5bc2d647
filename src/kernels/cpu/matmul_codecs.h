// Kernel codecs: packed weights of one group to float vectors, in registers.
// Read once per vector target, as highway.h; see there.
//
// KernelCodec<Format>:
//   Step step(units, k8, part)   reads the codes of inputs [8 k8, 8 k8 + 8) of
//                                register `part` of the group's 16 outputs
//   step.Get<i>()                what input 8 k8 + i is multiplied by, as float
//   Scale(units, b, part), Offset(units, b, part)
//                                of block b (matmul_formats.h)
#include "kernels/cpu/highway.h"
#include "kernels/matmul_formats.h"
#include "tensor/format_codes.h"

#if defined(BRAID_SRC_KERNELS_CPU_MATMUL_CODECS_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef BRAID_SRC_KERNELS_CPU_MATMUL_CODECS_H_
#undef BRAID_SRC_KERNELS_CPU_MATMUL_CODECS_H_
#else
#define BRAID_SRC_KERNELS_CPU_MATMUL_CODECS_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

// kLanes halves to floats. Exact; not subject to denormals-are-zero.
HWY_INLINE FloatVec LoadHalves(const uint16_t* from) {
  const hn::Rebind<hwy::float16_t, FloatTag> tag;
  return hn::PromoteTo(
      FloatTag(), hn::Load(tag, reinterpret_cast<const hwy::float16_t*>(from)));
}

// kLanes small integers.
template <class Int>
HWY_INLINE IntVec LoadBytes(const Int* from) {
  return hn::PromoteTo(IntTag(), hn::Load(hn::Rebind<Int, FloatTag>(), from));
}

template <class Int>
HWY_INLINE FloatVec LoadIntegers(const Int* from) {
  return hn::ConvertTo(FloatTag(), LoadBytes(from));
}

// Small unsigned integers below 2^23 to float by way of the significand of
// 2^23 + n: an OR and an exact subtraction, which also takes `zero` off.
HWY_INLINE FloatVec SmallToFloat(UintVec n, float zero) {
  const UintVec biased = hn::Or(n, hn::Set(UintTag(), 0x4B000000u));
  return hn::Sub(hn::BitCast(FloatTag(), biased),
                 hn::Set(FloatTag(), 8388608.0f + zero));
}

// The same of n & mask.
HWY_INLINE FloatVec MaskedToFloat(UintVec n, uint32_t mask, float zero) {
#if HWY_TARGET == HWY_AVX3
  // The AND and the OR in one instruction, which compilers do not find.
  const UintVec biased = UintVec{_mm512_ternarylogic_epi32(
      n.raw, _mm512_set1_epi32(static_cast<int>(mask)),
      _mm512_set1_epi32(0x4B000000), 0xEA)};
  return hn::Sub(hn::BitCast(FloatTag(), biased),
                 hn::Set(FloatTag(), 8388608.0f + zero));
#else
  return SmallToFloat(hn::And(n, hn::Set(UintTag(), mask)), zero);
#endif
}

#if HWY_TARGET == HWY_AVX3
// table[n & 15]: the permute reads only the low four bits of an index, so the
// caller need not mask. Highway's TableLookupLanes wants valid indices.
HWY_INLINE FloatVec Lookup16(FloatVec table, UintVec n) {
  return FloatVec{_mm512_permutexvar_ps(n.raw, table.raw)};
}

// Entry i is (i & mask) * factor + base.
HWY_INLINE FloatVec Table16(int mask, float factor, float base) {
  const auto i = hn::And(hn::Iota(IntTag(), 0), hn::Set(IntTag(), mask));
  return hn::MulAdd(hn::ConvertTo(FloatTag(), i), hn::Set(FloatTag(), factor),
                    hn::Set(FloatTag(), base));
}
#endif

// The values of kCount codes.
template <class Format, int kCount>
struct CodeTable {
  alignas(64) float value[kCount];
  constexpr CodeTable() : value() {
    for (int i = 0; i < kCount; ++i) {
      value[i] = static_cast<float>(CodeValue<Format>(i));
    }
  }
};
template <class Format, int kCount>
inline constexpr CodeTable<Format, kCount> kCodeTable;

// The value of the code in the lowest 4 bits of each lane.
template <class Format>
HWY_INLINE FloatVec NibbleValue(UintVec n) {
  if constexpr (requires { Format::kValues; }) {
    const float* table = kCodeTable<Format, 16>.value;
#if HWY_TARGET == HWY_AVX3
    return Lookup16(hn::Load(FloatTag(), table), n);
#else
    // The permute reads the low three bits, the blend the fourth.
    const __m256 low = _mm256_permutevar8x32_ps(_mm256_load_ps(table), n.raw);
    const __m256 high =
        _mm256_permutevar8x32_ps(_mm256_load_ps(table + 8), n.raw);
    const auto fourth = hn::BitCast(FloatTag(), hn::ShiftLeft<28>(n));
    return FloatVec{_mm256_blendv_ps(low, high, fourth.raw)};
#endif
  } else {
    constexpr float kZero = static_cast<float>(Format::kZero);
#if HWY_TARGET == HWY_AVX3
    return Lookup16(Table16(15, 1.0f, -kZero), n);
#else
    return MaskedToFloat(n, 15, kZero);
#endif
  }
}

// Shifts left by `bits`, or right if it is negative.
template <int bits>
HWY_INLINE UintVec Shift(UintVec v) {
  if constexpr (bits >= 0) {
    return hn::ShiftLeft<bits>(v);
  } else {
    return hn::ShiftRight<-bits>(v);
  }
}

// The value of code i, whose lower bits are nibble i of `low` and whose upper
// ones are kBits bits of `high`.
template <class Format, int kBits, int i>
HWY_INLINE FloatVec LongValue(UintVec low, UintVec high) {
  constexpr uint32_t kCodes = 16u << kBits;
  constexpr float kZero = static_cast<float>(Format::kZero);
  const UintVec lower = hn::ShiftRight<4 * i>(low);
  const UintVec upper = Shift<4 - kBits * i>(high);
#if HWY_TARGET == HWY_AVX3
  // As below; but here `lower`, not the mask, is what the instruction destroys.
  const UintVec code = UintVec{_mm512_ternarylogic_epi32(
      lower.raw, upper.raw, _mm512_set1_epi32(15), 0xE4)};
  if constexpr (kBits == 1) {  // the permute reads only the low five bits
    const float* table = kCodeTable<Format, 32>.value;
    return FloatVec{_mm512_permutex2var_ps(_mm512_load_ps(table), code.raw,
                                           _mm512_load_ps(table + 16))};
  }
  return MaskedToFloat(code, kCodes - 1, kZero);
#else
  return SmallToFloat(hn::Or(hn::And(lower, hn::Set(UintTag(), 15u)),
                             hn::And(upper, hn::Set(UintTag(), kCodes - 16))),
                      kZero);
#endif
}

// Codes of 8 bits.
template <class Format>
struct ByteStep {
  const int8_t* from;

  ByteStep() = default;
  HWY_INLINE ByteStep(const typename Packed<Format>::Unit* units, size_t k8,
                      int part)
      : from(units[k8 / 8].q[k8 % 8 * 8] + part * kLanes) {}

  template <int i>
  HWY_INLINE FloatVec Get() const {
    return LoadIntegers(from + i * 16);
  }
};

// Codes that are nibbles.
template <class Format>
struct NibbleStep {
  static constexpr size_t kWords = Packed<Format>::kUnitInputs / 8;
  UintVec low;

  NibbleStep() = default;
  HWY_INLINE NibbleStep(const typename Packed<Format>::Unit* units, size_t k8,
                        int part)
      : low(hn::Load(UintTag(), units[k8 / kWords].nibbles[k8 % kWords] +
                                    part * kLanes)) {}

  template <int i>
  HWY_INLINE FloatVec Get() const {
    return NibbleValue<Format>(hn::ShiftRight<4 * i>(low));
  }
};

// Nibbles and a fifth bit.
template <class Format>
struct FiveBitStep : NibbleStep<Format> {
  static constexpr size_t kWords = NibbleStep<Format>::kWords;
  UintVec high;  // this step's first bit is the lowest

  FiveBitStep() = default;
  HWY_INLINE FiveBitStep(const typename Packed<Format>::Unit* units, size_t k8,
                         int part)
      : NibbleStep<Format>(units, k8, part),
        high(hn::ShiftRightSame(
            hn::Load(UintTag(),
                     units[k8 / kWords].bits[k8 % kWords / 4] + part * kLanes),
            static_cast<int>(k8 % 4 * 8))) {}

  template <int i>
  HWY_INLINE FloatVec Get() const {
    return LongValue<Format, 1, i>(this->low, high);
  }
};

// The two-bit codes of this step, the first in the lowest bits.
template <class Format>
HWY_INLINE UintVec LoadPairs(const typename Packed<Format>::Unit* units,
                             size_t k8, int part) {
  constexpr size_t kWords = Packed<Format>::kUnitInputs / 8;
  const UintVec pairs = hn::Load(
      UintTag(), units[k8 / kWords].pairs[k8 % kWords / 2] + part * kLanes);
  return k8 % 2 != 0 ? hn::ShiftRight<16>(pairs) : pairs;
}

// Nibbles and two bits above.
template <class Format>
struct SixBitStep : NibbleStep<Format> {
  UintVec high;

  SixBitStep() = default;
  HWY_INLINE SixBitStep(const typename Packed<Format>::Unit* units, size_t k8,
                        int part)
      : NibbleStep<Format>(units, k8, part),
        high(LoadPairs<Format>(units, k8, part)) {}

  template <int i>
  HWY_INLINE FloatVec Get() const {
    return LongValue<Format, 2, i>(this->low, high);
  }
};

// Codes of two bits.
template <class Format>
struct PairStep {
  UintVec pairs;

  PairStep() = default;
  HWY_INLINE PairStep(const typename Packed<Format>::Unit* units, size_t k8,
                      int part)
      : pairs(LoadPairs<Format>(units, k8, part)) {}

  template <int i>
  HWY_INLINE FloatVec Get() const {
    constexpr float kZero = static_cast<float>(Format::kZero);
    const UintVec shifted = hn::ShiftRight<2 * i>(pairs);
#if HWY_TARGET == HWY_AVX3
    return Lookup16(Table16(3, 1.0f, -kZero), shifted);
#else
    return MaskedToFloat(shifted, 3, kZero);
#endif
  }
};

// ExponentToFloat of kLanes exponents.
HWY_INLINE FloatVec LoadExponents(const uint8_t* from) {
  const UintTag tag;
  const UintVec e =
      hn::PromoteTo(tag, hn::Load(hn::Rebind<uint8_t, FloatTag>(), from));
  const UintVec one = hn::Set(tag, 1u);
  const UintVec normal = hn::ShiftLeft<23>(hn::Sub(e, one));
  const UintVec subnormal = hn::ShiftLeft<21>(hn::Add(e, one));
  const auto tiny = hn::Eq(hn::ShiftRight<1>(e), hn::Zero(tag));
  return hn::BitCast(FloatTag(), hn::IfThenElse(tiny, subnormal, normal));
}

template <class Format>
struct KernelCodec;

// Formats without scales have no Scale and no Offset.
template <class Format>
struct PlainCodec {
  struct Step {
    const decltype(Format::Block::value)* from;
    Step() = default;
    HWY_INLINE Step(const typename Packed<Format>::Unit* units, size_t k8,
                    int part)
        : from(units[k8 * 8].value + part * kLanes) {}

    template <int i>
    HWY_INLINE FloatVec Get() const {
      if constexpr (Format::kType == DType::kF32) {
        return hn::Load(FloatTag(), from + i * 16);
      } else if constexpr (Format::kType == DType::kF16) {
        return LoadHalves(from + i * 16);
      } else {
        const auto halves =
            hn::Load(hn::Rebind<uint16_t, FloatTag>(), from + i * 16);
        return hn::BitCast(FloatTag(),
                           hn::ShiftLeft<16>(hn::PromoteTo(UintTag(), halves)));
      }
    }
  };
};

template <>
struct KernelCodec<FormatF32> : PlainCodec<FormatF32> {};
template <>
struct KernelCodec<FormatF16> : PlainCodec<FormatF16> {};
template <>
struct KernelCodec<FormatBF16> : PlainCodec<FormatBF16> {};

// Scales and offsets, by the fields that a unit has.
template <class Format>
struct ScaleCodec {
  using Unit = typename Packed<Format>::Unit;
  // Scaled blocks of a unit, and of a stored block.
  static constexpr size_t kUnitBlocks =
      Packed<Format>::kUnitInputs / Packed<Format>::kScaledInputs;
  static constexpr size_t kSubBlocks =
      Format::kElements / Packed<Format>::kScaledInputs;

  static HWY_INLINE FloatVec Scale(const Unit* units, size_t b, int part) {
    const Unit& unit = units[b / kUnitBlocks];
    const size_t sub = b % kUnitBlocks;
    const int lane = part * kLanes;
    if constexpr (requires { unit.exponent; }) {
      return LoadExponents(unit.exponent[sub] + lane);
    } else {
      const FloatVec d = LoadHalves(unit.d[sub / kSubBlocks] + lane);
      if constexpr (requires { unit.scale; }) {
        return hn::Mul(d, LoadIntegers(unit.scale[sub] + lane));
      } else if constexpr (requires { unit.signed_scale; }) {
        return hn::Mul(d, LoadIntegers(unit.signed_scale[sub] + lane));
      } else if constexpr (requires { unit.scale_min; }) {
        const IntVec both = LoadBytes(unit.scale_min[sub] + lane);
        return hn::Mul(
            d, hn::ConvertTo(FloatTag(), hn::And(both, hn::Set(IntTag(), 15))));
      } else {
        return d;
      }
    }
  }

  static HWY_INLINE FloatVec Offset(const Unit* units, size_t b, int part) {
    const Unit& unit = units[b / kUnitBlocks];
    const size_t sub = b % kUnitBlocks;
    const int lane = part * kLanes;
    if constexpr (requires { unit.m; }) {
      return LoadHalves(unit.m[sub / kSubBlocks] + lane);
    } else {
      const FloatVec dmin = LoadHalves(unit.dmin[sub / kSubBlocks] + lane);
      if constexpr (requires { unit.min; }) {
        return hn::Neg(hn::Mul(dmin, LoadIntegers(unit.min[sub] + lane)));
      } else {
        const IntVec both = LoadBytes(unit.scale_min[sub] + lane);
        return hn::Neg(
            hn::Mul(dmin, hn::ConvertTo(FloatTag(), hn::ShiftRight<4>(both))));
      }
    }
  }
};

template <>
struct KernelCodec<FormatQ8_0> : ScaleCodec<FormatQ8_0> {
  using Step = ByteStep<FormatQ8_0>;
};
template <>
struct KernelCodec<FormatQ4_0> : ScaleCodec<FormatQ4_0> {
  using Step = NibbleStep<FormatQ4_0>;
};
template <>
struct KernelCodec<FormatQ4_1> : ScaleCodec<FormatQ4_1> {
  using Step = NibbleStep<FormatQ4_1>;
};
template <>
struct KernelCodec<FormatQ5_0> : ScaleCodec<FormatQ5_0> {
  using Step = FiveBitStep<FormatQ5_0>;
};
template <>
struct KernelCodec<FormatQ5_1> : ScaleCodec<FormatQ5_1> {
  using Step = FiveBitStep<FormatQ5_1>;
};
template <>
struct KernelCodec<FormatQ2_K> : ScaleCodec<FormatQ2_K> {
  using Step = PairStep<FormatQ2_K>;
};
template <>
struct KernelCodec<FormatQ3_K> : ScaleCodec<FormatQ3_K> {
  using Step = NibbleStep<FormatQ3_K>;
};
template <>
struct KernelCodec<FormatQ4_K> : ScaleCodec<FormatQ4_K> {
  using Step = NibbleStep<FormatQ4_K>;
};
template <>
struct KernelCodec<FormatQ5_K> : ScaleCodec<FormatQ5_K> {
  using Step = FiveBitStep<FormatQ5_K>;
};
template <>
struct KernelCodec<FormatQ6_K> : ScaleCodec<FormatQ6_K> {
  using Step = SixBitStep<FormatQ6_K>;
};
template <>
struct KernelCodec<FormatIQ4_NL> : ScaleCodec<FormatIQ4_NL> {
  using Step = NibbleStep<FormatIQ4_NL>;
};
template <>
struct KernelCodec<FormatIQ4_XS> : ScaleCodec<FormatIQ4_XS> {
  using Step = NibbleStep<FormatIQ4_XS>;
};
template <>
struct KernelCodec<FormatTQ2_0> : ScaleCodec<FormatTQ2_0> {
  using Step = PairStep<FormatTQ2_0>;
};
template <>
struct KernelCodec<FormatMXFP4> : ScaleCodec<FormatMXFP4> {
  using Step = NibbleStep<FormatMXFP4>;
};

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_MATMUL_CODECS_H_
