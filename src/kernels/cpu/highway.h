// What every Highway file shares: the tags and a vector of 16 virtual lanes,
// which is one register of AVX-512 and two of AVX2.
//
// No include guard of the usual kind: the file is read once per vector target.
// A file foo.cc in this folder looks so:
//
//   #include "kernels/foo.h"
//
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "kernels/cpu/foo.cc"
//   #include "hwy/foreach_target.h"
//   #include "kernels/cpu/highway.h"
//
//   HWY_BEFORE_NAMESPACE();
//   namespace braid::HWY_NAMESPACE {
//   namespace {
//   void FooPart(...) { ... }
//   }  // namespace
//   void FooTarget(...) { ... }  // a lambda inside needs HWY_ATTR
//   }  // namespace braid::HWY_NAMESPACE
//   HWY_AFTER_NAMESPACE();
//
//   #if HWY_ONCE
//   namespace braid {
//   HWY_EXPORT(FooTarget);
//   void Foo(...) { HWY_DYNAMIC_DISPATCH(FooTarget)(...); }
//   }  // namespace braid
//   #endif  // HWY_ONCE
//
// Files in this folder are compiled for AVX2 throughout. They use no inline
// function of the standard library that is not sure to be inlined: the linker
// could keep the AVX2 copy for code that runs before CheckCpu.
#include "hwy/highway.h"

#if defined(BRAID_SRC_KERNELS_CPU_HIGHWAY_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BRAID_SRC_KERNELS_CPU_HIGHWAY_H_
#undef BRAID_SRC_KERNELS_CPU_HIGHWAY_H_
#else
#define BRAID_SRC_KERNELS_CPU_HIGHWAY_H_
#endif

// Loops over the registers of a tile are unrolled, or the tile lives in memory.
#ifndef BRAID_UNROLL
#if HWY_COMPILER_CLANG
#define BRAID_UNROLL _Pragma("clang loop unroll(full)")
#else
#define BRAID_UNROLL _Pragma("GCC unroll 64")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One register: 16 lanes of AVX-512, 8 of AVX2.
using FloatTag = hn::CappedTag<float, 16>;
using IntTag = hn::RebindToSigned<FloatTag>;
using UintTag = hn::RebindToUnsigned<FloatTag>;
using FloatVec = hn::Vec<FloatTag>;
using IntVec = hn::Vec<IntTag>;
using UintVec = hn::Vec<UintTag>;

inline constexpr int kLanes =
    static_cast<int>(hn::MaxLanes(FloatTag()));  // of one register
inline constexpr int kParts = 16 / kLanes;       // registers of 16

// 16 virtual lanes. Lane i is lane i % kLanes of part[i / kLanes].
struct Lanes16 {
  FloatVec part[kParts];
};

HWY_INLINE Lanes16 Zero16() {
  Lanes16 v;
  BRAID_UNROLL
  for (int i = 0; i < kParts; ++i) v.part[i] = hn::Zero(FloatTag());
  return v;
}

HWY_INLINE Lanes16 Set16(float value) {
  Lanes16 v;
  BRAID_UNROLL
  for (int i = 0; i < kParts; ++i) v.part[i] = hn::Set(FloatTag(), value);
  return v;
}

// Any alignment.
HWY_INLINE Lanes16 Load16(const float* from) {
  Lanes16 v;
  BRAID_UNROLL
  for (int i = 0; i < kParts; ++i) {
    v.part[i] = hn::LoadU(FloatTag(), from + i * kLanes);
  }
  return v;
}

HWY_INLINE void Store16(const Lanes16& v, float* to) {
  BRAID_UNROLL
  for (int i = 0; i < kParts; ++i) {
    hn::StoreU(v.part[i], FloatTag(), to + i * kLanes);
  }
}

// The first `count` < 16 floats at `from`; the other lanes are +0.
HWY_INLINE Lanes16 LoadFirst16(const float* from, int count) {
  alignas(64) float all[16] = {};
  for (int i = 0; i < count; ++i) all[i] = from[i];
  return Load16(all);
}

HWY_INLINE void StoreFirst16(const Lanes16& v, float* to, int count) {
  alignas(64) float all[16];
  Store16(v, all);
  for (int i = 0; i < count; ++i) to[i] = all[i];
}

HWY_INLINE Lanes16 Add16(const Lanes16& a, const Lanes16& b) {
  Lanes16 v;
  BRAID_UNROLL
  for (int i = 0; i < kParts; ++i) v.part[i] = hn::Add(a.part[i], b.part[i]);
  return v;
}

HWY_INLINE Lanes16 Mul16(const Lanes16& a, const Lanes16& b) {
  Lanes16 v;
  BRAID_UNROLL
  for (int i = 0; i < kParts; ++i) v.part[i] = hn::Mul(a.part[i], b.part[i]);
  return v;
}

// a * b + c, rounded once.
HWY_INLINE Lanes16 MulAdd16(const Lanes16& a, const Lanes16& b,
                            const Lanes16& c) {
  Lanes16 v;
  BRAID_UNROLL
  for (int i = 0; i < kParts; ++i) {
    v.part[i] = hn::MulAdd(a.part[i], b.part[i], c.part[i]);
  }
  return v;
}

// The sum of all 16 lanes by the one tree of every target: lane i takes lane
// i + 8, then i + 4, i + 2, i + 1. In registers: attention needs one per row
// and block.
HWY_INLINE float Sum16(const Lanes16& v) {
  const hn::CappedTag<float, 4> d4;
#if HWY_TARGET == HWY_AVX3
  const hn::CappedTag<float, 8> d8;
  const auto eight =
      hn::Add(hn::LowerHalf(d8, v.part[0]), hn::UpperHalf(d8, v.part[0]));
#else
  const auto eight = hn::Add(v.part[0], v.part[1]);
#endif
  const auto four = hn::Add(hn::LowerHalf(d4, eight), hn::UpperHalf(d4, eight));
  const auto two = hn::Add(four, hn::Shuffle1032(four));
  return hn::GetLane(hn::Add(two, hn::Shuffle2301(two)));
}

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_HIGHWAY_H_
