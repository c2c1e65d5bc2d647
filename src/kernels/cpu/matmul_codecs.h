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

// kLanes small integers to floats.
template <class Int>
HWY_INLINE FloatVec LoadIntegers(const Int* from) {
  return hn::ConvertTo(
      FloatTag(),
      hn::PromoteTo(IntTag(), hn::Load(hn::Rebind<Int, FloatTag>(), from)));
}

// Small unsigned integers below 2^23 to float by way of the significand of
// 2^23 + n: an OR and an exact subtraction, which also takes `zero` off.
HWY_INLINE FloatVec SmallToFloat(UintVec n, float zero) {
  const UintVec biased = hn::Or(n, hn::Set(UintTag(), 0x4B000000u));
  return hn::Sub(hn::BitCast(FloatTag(), biased),
                 hn::Set(FloatTag(), 8388608.0f + zero));
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

// Nibble i of each word as float, minus kZero.
template <int kZero>
struct NibbleStep {
  UintVec words;

  NibbleStep() = default;
  HWY_INLINE explicit NibbleStep(const uint32_t* from)
      : words(hn::Load(UintTag(), from)) {}

  template <int i>
  HWY_INLINE FloatVec Get() const {
    const UintVec shifted = hn::ShiftRight<4 * i>(words);
#if HWY_TARGET == HWY_AVX3
    return Lookup16(Table16(15, 1.0f, static_cast<float>(-kZero)), shifted);
#else
    return SmallToFloat(hn::And(shifted, hn::Set(UintTag(), 15u)),
                        static_cast<float>(kZero));
#endif
  }
};

template <class Format>
struct KernelCodec;

// Formats without scales have no Scale and no Offset.
template <>
struct KernelCodec<FormatF32> {
  using Unit = Packed<FormatF32>::Unit;

  struct Step {
    const float* from;
    Step() = default;
    HWY_INLINE Step(const Unit* units, size_t k8, int part)
        : from(units[k8 * 8].value + part * kLanes) {}
    template <int i>
    HWY_INLINE FloatVec Get() const {
      return hn::Load(FloatTag(), from + i * 16);
    }
  };
};

template <>
struct KernelCodec<FormatF16> {
  using Unit = Packed<FormatF16>::Unit;

  struct Step {
    const uint16_t* from;
    Step() = default;
    HWY_INLINE Step(const Unit* units, size_t k8, int part)
        : from(units[k8 * 8].value + part * kLanes) {}
    template <int i>
    HWY_INLINE FloatVec Get() const {
      return LoadHalves(from + i * 16);
    }
  };
};

template <>
struct KernelCodec<FormatBF16> {
  using Unit = Packed<FormatBF16>::Unit;

  struct Step {
    const uint16_t* from;
    Step() = default;
    HWY_INLINE Step(const Unit* units, size_t k8, int part)
        : from(units[k8 * 8].value + part * kLanes) {}
    template <int i>
    HWY_INLINE FloatVec Get() const {
      const auto halves =
          hn::Load(hn::Rebind<uint16_t, FloatTag>(), from + i * 16);
      return hn::BitCast(FloatTag(),
                         hn::ShiftLeft<16>(hn::PromoteTo(UintTag(), halves)));
    }
  };
};

template <>
struct KernelCodec<FormatQ8_0> {
  using Unit = Packed<FormatQ8_0>::Unit;

  struct Step {
    const int8_t* from;
    Step() = default;
    HWY_INLINE Step(const Unit* units, size_t k8, int part)
        : from(units[k8 / 8].q[k8 % 8 * 8] + part * kLanes) {}
    template <int i>
    HWY_INLINE FloatVec Get() const {
      return LoadIntegers(from + i * 16);
    }
  };
  static HWY_INLINE FloatVec Scale(const Unit* units, size_t b, int part) {
    return LoadHalves(units[b / 2].d[b % 2] + part * kLanes);
  }
};

template <>
struct KernelCodec<FormatQ4_0> {
  using Unit = Packed<FormatQ4_0>::Unit;

  struct Step : NibbleStep<8> {
    Step() = default;
    HWY_INLINE Step(const Unit* units, size_t k8, int part)
        : NibbleStep(units[k8 / 8].word[k8 % 8] + part * kLanes) {}
  };
  static HWY_INLINE FloatVec Scale(const Unit* units, size_t b, int part) {
    return LoadHalves(units[b / 2].d[b % 2] + part * kLanes);
  }
};

template <>
struct KernelCodec<FormatQ4_1> {
  using Unit = Packed<FormatQ4_1>::Unit;

  struct Step : NibbleStep<0> {
    Step() = default;
    HWY_INLINE Step(const Unit* units, size_t k8, int part)
        : NibbleStep(units[k8 / 8].word[k8 % 8] + part * kLanes) {}
  };
  static HWY_INLINE FloatVec Scale(const Unit* units, size_t b, int part) {
    return LoadHalves(units[b / 2].d[b % 2] + part * kLanes);
  }
  static HWY_INLINE FloatVec Offset(const Unit* units, size_t b, int part) {
    return LoadHalves(units[b / 2].m[b % 2] + part * kLanes);
  }
};

template <>
struct KernelCodec<FormatQ4_K> {
  using Unit = Packed<FormatQ4_K>::Unit;

  struct Step : NibbleStep<0> {
    Step() = default;
    HWY_INLINE Step(const Unit* units, size_t k8, int part)
        : NibbleStep(units[k8 / 32].word[k8 % 32] + part * kLanes) {}
  };
  static HWY_INLINE FloatVec Scale(const Unit* units, size_t b, int part) {
    const Unit& unit = units[b / 8];
    return hn::Mul(LoadHalves(unit.d + part * kLanes),
                   LoadIntegers(unit.scale[b % 8] + part * kLanes));
  }
  static HWY_INLINE FloatVec Offset(const Unit* units, size_t b, int part) {
    const Unit& unit = units[b / 8];
    return hn::Neg(hn::Mul(LoadHalves(unit.dmin + part * kLanes),
                           LoadIntegers(unit.min[b % 8] + part * kLanes)));
  }
};

template <>
struct KernelCodec<FormatQ6_K> {
  using Unit = Packed<FormatQ6_K>::Unit;

  struct Step {
    UintVec low;
    UintVec high;  // this step's first code in the lowest two bits

    Step() = default;
    HWY_INLINE Step(const Unit* units, size_t k8, int part)
        : low(hn::Load(UintTag(), units[k8 / 32].low[k8 % 32] + part * kLanes)),
          high(hn::Load(UintTag(),
                        units[k8 / 32].high[k8 % 32 / 2] + part * kLanes)) {
      if (k8 % 2 != 0) high = hn::ShiftRight<16>(high);
    }
    template <int i>
    HWY_INLINE FloatVec Get() const {
      const UintVec nibble = hn::ShiftRight<4 * i>(low);
#if HWY_TARGET == HWY_AVX3
      // Two lookups and an exact sum. The upper bits of the second index are
      // those of the next code: the table repeats.
      return hn::Add(
          Lookup16(Table16(15, 1.0f, -32.0f), nibble),
          Lookup16(Table16(3, 16.0f, 0.0f), hn::ShiftRight<2 * i>(high)));
#else
      const UintVec bits = i < 2
                               ? hn::ShiftLeft < i < 2 ? 4 - 2 * i : 0 > (high)
                           : hn::ShiftRight < i < 2 ? 0
                                                    : 2 * i - 4 > (high);
      return SmallToFloat(hn::Or(hn::And(nibble, hn::Set(UintTag(), 15u)),
                                 hn::And(bits, hn::Set(UintTag(), 48u))),
                          32.0f);
#endif
    }
  };
  static HWY_INLINE FloatVec Scale(const Unit* units, size_t b, int part) {
    const Unit& unit = units[b / 16];
    return hn::Mul(LoadHalves(unit.d + part * kLanes),
                   LoadIntegers(unit.scale[b % 16] + part * kLanes));
  }
};

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_MATMUL_CODECS_H_
