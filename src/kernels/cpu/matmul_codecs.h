// Kernel codecs: packed weights of one group to float vectors, in registers.
// Read once per vector target, as highway.h; see there.
//
// KernelCodec<Format>:
//   Step step(units, n, part)   the codes of the n-th Step::kCodes inputs, for
//                               register `part` of the group's 16 outputs
//   step.Get<i>(w)              what the i-th code of word w is multiplied by:
//                               kWords with kPerWord codes each
//   step.Spare<i>()             the same of the last kSpare codes
//   Scale(units, b, part), Offset(units, b, part)
//                               of block b (matmul_formats.h)
#include <type_traits>

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

// The kBits of `word` from bit kShift on as an integer, minus `zero`. They stay
// where they are: with the right exponent above them they are the low end of
// the significand of 2^(23 - kShift) + n, and taking that power off is exact.
template <int kShift, int kBits>
HWY_INLINE FloatVec FieldToFloat(UintVec word, float zero) {
  static_assert(kShift + kBits <= 23);
  constexpr uint32_t kMask = ((1u << kBits) - 1) << kShift;
  constexpr uint32_t kExponent = (150u - kShift) << 23;
  constexpr float kPower = static_cast<float>(1u << (23 - kShift));
#if HWY_TARGET == HWY_AVX3
  // The AND and the OR in one instruction, which compilers do not find.
  const UintVec biased = UintVec{_mm512_ternarylogic_epi32(
      word.raw, _mm512_set1_epi32(static_cast<int>(kMask)),
      _mm512_set1_epi32(static_cast<int>(kExponent)), 0xEA)};
#else
  const UintVec biased = hn::Or(hn::And(word, hn::Set(UintTag(), kMask)),
                                hn::Set(UintTag(), kExponent));
#endif
  return hn::Sub(hn::BitCast(FloatTag(), biased),
                 hn::Set(FloatTag(), kPower + zero));
}

#if HWY_TARGET == HWY_AVX3
// table[n & 15]: the permute reads only the low four bits of an index, so the
// caller need not mask. Highway's TableLookupLanes wants valid indices.
HWY_INLINE FloatVec Lookup16(FloatVec table, UintVec n) {
  return FloatVec{_mm512_permutexvar_ps(n.raw, table.raw)};
}
#endif

// The values of what 4 bits may hold, of which only the code's count.
template <class Format>
struct CodeTable {
  alignas(64) float value[16];
  constexpr CodeTable() : value() {
    constexpr int kMask = (1 << Packed<Format>::Unit::kBits) - 1;
    for (int i = 0; i < 16; ++i) {
      value[i] = static_cast<float>(CodeValue<Format>(i & kMask));
    }
  }
};
template <class Format>
inline constexpr CodeTable<Format> kCodeTable;

// Are the values of codes listed? If not, a code is an integer plus kZero.
template <class Format>
inline constexpr bool kHasValues = requires {
  Format::kValues;
};

template <class Format>
constexpr int CodeZero() {
  if constexpr (kHasValues<Format>) {
    return 0;
  } else {
    return Format::kZero;
  }
}

// The value of the code in the lowest bits of each lane, by a table.
template <class Format>
HWY_INLINE FloatVec TableValue(UintVec n) {
  const float* table = kCodeTable<Format>.value;
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
}

// `yes` where kMask has a 1, else `no`.
template <uint32_t kMask>
HWY_INLINE UintVec Merge(UintVec yes, UintVec no) {
#if HWY_TARGET == HWY_AVX3
  return UintVec{_mm512_ternarylogic_epi32(
      yes.raw, no.raw, _mm512_set1_epi32(static_cast<int>(kMask)), 0xE4)};
#else
  // Highway's IfVecThenElse reads only the upper bit of a byte of the mask.
  const UintVec mask = hn::Set(UintTag(), kMask);
  return hn::Or(hn::And(yes, mask), hn::AndNot(mask, no));
#endif
}

// A step of codes as CodeWords has them.
template <class Format>
struct CodeStep {
  using Unit = typename Packed<Format>::Unit;
  static constexpr int kBits = Unit::kBits;
  using Words = CodeWords<kBits>;
  static constexpr int kCodes = Words::kCodes;
  static constexpr float kZero =
      static_cast<float>(CodeZero<Format>() + (kBits == 8 ? kByteBias : 0));

  // A permute that reads 4 bits saves a subtraction.
  static constexpr bool kByTable =
      kHasValues<Format> || (HWY_TARGET == HWY_AVX3 && kBits <= 4);

  static constexpr int kWords = Words::kWords;
  static constexpr int kPerWord = Words::kPerWord;
  static constexpr int kSpare = kCodes - Words::kWhole;

  const uint32_t* words;

  CodeStep() = default;
  HWY_INLINE CodeStep(const Unit* units, size_t n, int part) {
    constexpr size_t kSteps = Packed<Format>::kUnitInputs / kCodes;
    words = units[n / kSteps].codes[n % kSteps * kWords] + part * kLanes;
  }

  // Code i of word `w`.
  template <int i>
  HWY_INLINE FloatVec Get(int w) const {
    constexpr int kAt = i * kBits;
    constexpr int kDown = 23 / kBits * kBits;  // what does not end below bit 23
    if constexpr (kByTable) {
      return TableValue<Format>(hn::ShiftRight<kAt>(Word(w)));
    } else if constexpr (kAt + kBits <= 23) {
      return FieldToFloat<kAt, kBits>(Word(w), kZero);
    } else {
      return FieldToFloat<kAt - kDown, kBits>(hn::ShiftRight<kDown>(Word(w)),
                                              kZero);
    }
  }

  // The i-th of the codes that are made of what words have left, bits 30 and
  // 31: each is moved down to where they meet.
  template <int i>
  HWY_INLINE FloatVec Spare() const {
    if constexpr (kBits == 6) {
      return FieldToFloat<12, 6>(
          Merge<0x3000>(Down<18>(0), Merge<0xC000>(Down<16>(1), Down<14>(2))),
          kZero);
    } else if constexpr (i == 0) {
      return FieldToFloat<10, 5>(
          Merge<0x0C00>(Down<20>(0), Merge<0x3000>(Down<18>(1), Down<16>(2))),
          kZero);
    } else {
      return FieldToFloat<11, 5>(
          Merge<0x1800>(Down<19>(3), Merge<0x6000>(Down<17>(4), Down<16>(2))),
          kZero);
    }
  }

 private:
  HWY_INLINE UintVec Word(int w) const {
    return hn::Load(UintTag(), words + w * 16);
  }
  template <int bits>
  HWY_INLINE UintVec Down(int w) const {
    return hn::ShiftRight<bits>(Word(w));
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

// Formats without scales have no Scale and no Offset.
template <class Format>
struct PlainCodec {
  struct Step {
    static constexpr int kCodes = 8;
    static constexpr int kWords = 1;
    static constexpr int kPerWord = kCodes;
    static constexpr int kSpare = 0;
    const decltype(Format::Block::value)* from;
    Step() = default;
    HWY_INLINE Step(const typename Packed<Format>::Unit* units, size_t n,
                    int part)
        : from(units[n * kCodes].value + part * kLanes) {}

    template <int i>
    HWY_INLINE FloatVec Get(int /*w*/) const {
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

// Scales and offsets, by the fields that a unit has.
template <class Format>
struct ScaleCodec {
  using Step = CodeStep<Format>;
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

template <class Format>
using KernelCodec = std::conditional_t<Packed<Format>::kScaledInputs == 0,
                                       PlainCodec<Format>, ScaleCodec<Format>>;

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_MATMUL_CODECS_H_
