// The element functions of kernels/element_functions.h on a vector, templates
// over the tag: a full register, and one lane for tails. Read once per vector
// target, as cpu/highway.h is.
#include "kernels/cpu/highway.h"
#include "kernels/element_functions.h"

#if defined(BRAID_SRC_KERNELS_CPU_ELEMENT_FUNCTIONS_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef BRAID_SRC_KERNELS_CPU_ELEMENT_FUNCTIONS_H_
#undef BRAID_SRC_KERNELS_CPU_ELEMENT_FUNCTIONS_H_
#else
#define BRAID_SRC_KERNELS_CPU_ELEMENT_FUNCTIONS_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

// What is left of a row after the full registers goes lane by lane.
using OneTag = hn::CappedTag<float, 1>;

template <int kDegree, class D, class V = hn::Vec<D>>
HWY_INLINE V Horner(D d, const float (&coefficients)[kDegree + 1], V x) {
  V value = hn::Set(d, coefficients[kDegree]);
  BRAID_UNROLL
  for (int i = kDegree - 1; i >= 0; --i) {
    value = hn::MulAdd(value, x, hn::Set(d, coefficients[i]));
  }
  return value;
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V shift = hn::Set(d, kExponentShift);
  const V log2e = hn::Set(d, kLog2e);
  const V t = hn::MulAdd(x, log2e, shift);
  const V n = hn::Sub(t, shift);
  const V r = hn::MulAdd(x, hn::Set(d, kLog2eLow), hn::MulSub(x, log2e, n));
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, t)));
  V y = hn::Mul(Horner<kExp2Degree>(d, kExp2, r), power);
  y = hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, kExpLowest)), y);
  return hn::IfThenElse(hn::Gt(x, hn::Set(d, kExpHighest)),
                        hn::Set(d, kInfinity), y);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Decay(D d, V a, V b) {
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, kExponentMagic);
  const V t = hn::MulAdd(a, b, magic);
  const V n = hn::Sub(t, magic);
  const V p = Horner<kExp2Degree>(d, kExp2, hn::MulSub(a, b, n));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, t));
  const V y = hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
  return hn::IfThenElseZero(hn::Ge(n, hn::Set(d, kDecayLowestExponent)), y);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Silu(D d, V v) {
  return hn::Div(v, hn::Add(hn::Set(d, 1.0f), Exp(d, hn::Neg(v))));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Softplus(D d, V x) {
  const V zero = hn::Zero(d);
  const V u = Exp(d, hn::Neg(hn::Abs(x)));
  const V s = hn::Div(u, hn::Add(hn::Set(d, 2.0f), u));
  const V log1p = hn::Mul(s, Horner<kAtanhDegree>(d, kAtanh, hn::Mul(s, s)));
  const V positive = hn::IfThenElseZero(hn::Gt(x, zero), x);
  return hn::IfThenElse(hn::Gt(x, hn::Set(d, kSoftplusLinear)), x,
                        hn::Add(positive, log1p));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V v) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, Exp(d, hn::Neg(v))));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V size = hn::Abs(x);
  const V small = hn::Mul(x, Horner<kTanhDegree>(d, kTanhRatio, hn::Mul(x, x)));
  const V quotient =
      hn::Div(hn::Set(d, 2.0f), hn::Add(Exp(d, hn::Add(size, size)), one));
  const V large = hn::CopySign(hn::Sub(one, quotient), x);
  return hn::IfThenElse(hn::Lt(size, hn::Set(d, kTanhSmall)), small, large);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluErf(D d, V v) {
  const V one = hn::Set(d, 1.0f);
  const V a = hn::Abs(v);
  const V t = hn::Div(one, hn::MulAdd(hn::Set(d, kNormalTailStep), a, one));
  const V bell = Exp(d, hn::Mul(hn::Set(d, -0.5f), hn::Mul(a, a)));
  const V tail =
      hn::Mul(hn::Mul(t, Horner<kNormalTailDegree>(d, kNormalTail, t)), bell);
  return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(v, tail),
                        hn::NegMulAdd(v, tail, v));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluTanh(D d, V v) {
  const V slope = hn::MulAdd(hn::Mul(v, v), hn::Set(d, kGeluCubic),
                             hn::Set(d, kGeluLinear));
  const V e = Exp(d, hn::Neg(hn::Mul(v, slope)));
  return hn::Div(v, hn::Add(hn::Set(d, 1.0f), e));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluQuick(D d, V v) {
  const V e = Exp(d, hn::Mul(hn::Set(d, -kGeluQuickSlope), v));
  return hn::Div(v, hn::Add(hn::Set(d, 1.0f), e));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Relu(D d, V v) {
  return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v);
}

// The larger of two, a's where they are equal; b's NaN never enters.
template <class V>
HWY_INLINE V Larger(V a, V b) {
  return hn::IfThenElse(hn::Gt(b, a), b, a);
}

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_ELEMENT_FUNCTIONS_H_
