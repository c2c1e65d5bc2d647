// The element functions' numeric definition, shared by the vector kernels
// (cpu/element_functions.h) and their scalar twins (ref/element_functions.h),
// which share nothing else. Constants come from tools/fit_polynomials.py.
//
// All arithmetic is float32, to nearest, with subnormal results and inputs
// taken as zero (base/fp_guard.h). fma rounds once; / and sqrt are IEEE's.
//
//   Exp(x)       t = fma(x, kLog2e, kExponentShift)
//                n = t - kExponentShift            round(x log2 e), ties to
//                even r = fma(x, kLog2eLow, fma(x, kLog2e, -n)) p = P(r),
//                Horner with one fma per step, down to kExp2[0] = 1 y = p *
//                float with bits (bits of t) << 23        that is 2^n y = 0
//                where x < kExpLowest, +inf where x > kExpHighest NaN gives
//                NaN; Exp(0) = 1. Relative error below 1.2e-7.
//
//   Decay(a, b)  2^(a b) for a b <= 0, one multiply-add cheaper: the scan's.
//                t = fma(a, b, kExponentMagic); n = t - kExponentMagic
//                r = fma(a, b, -n); p = P(r)
//                y = float with bits (bits of p) + ((bits of t) << 23)
//                y = 0 unless n >= -125 (so for NaN, which the scan's other
//                operand carries on). Relative error below 1.2e-7. A positive
//                product of 127.5 or more gives defined nonsense.
//
//   Silu(v)      v / (1 + Exp(-v)). Silu(-inf) is NaN, as in PyTorch.
//
//   Softplus(x)  u = Exp(-|x|), s = u / (2 + u), z = s * s
//                y = max(x, 0) + s * Q(z); x itself where x > 20.
//                log1p(u) = 2 atanh(s): relative error below 4e-7.
//
//   Sigmoid(v)   1 / (1 + Exp(-v)).
//
//   Tanh(x)      x * R(x * x) where |x| < kTanhSmall, else
//                1 - 2 / (Exp(2 |x|) + 1) with the sign of x. Relative error
//                below 2.5e-7.
//
//   The three forms of GELU(v) = v * Phi(v), Phi being the normal distribution
//   function (Hendrycks and Gimpel, 2016):
//   GeluErf(v)   a = |v|, t = 1 / fma(kNormalTailStep, a, 1)
//                h = (t * S(t)) * Exp(-0.5 * (a * a))          that is 1 - Phi
//                v * h where v < 0, else fma(-v, h, v). NaN for infinities.
//   GeluTanh(v)  v / (1 + Exp(-(v * fma(v * v, kGeluCubic, kGeluLinear)))),
//                which is v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))) / 2.
//   GeluQuick(v) v / (1 + Exp(-kGeluQuickSlope * v)).
//
//   Relu(v)      v, or +0 where v < 0. ReluSquared(v) = Relu(v) * Relu(v)
//                (So et al., "Primer", 2021).
//
// Reductions over a row use 16 virtual lanes: lane i takes elements i, i + 16,
// ... in order, starting from +0; then lane i takes lane i + 8, i + 4, i + 2,
// i + 1 ("the tree"). A maximum starts at -inf and takes v where v > maximum:
// NaN never enters it, and its order does not matter.
#ifndef BRAID_SRC_KERNELS_ELEMENT_FUNCTIONS_H_
#define BRAID_SRC_KERNELS_ELEMENT_FUNCTIONS_H_

#include <limits>

namespace braid {

// log2(e) to twice the precision of a float.
inline constexpr float kLog2e = 0x1.715476p+0f;
inline constexpr float kLog2eLow = 0x1.4ae0c0p-26f;

// Adding 1.5 * 2^23 leaves the rounded integer in the low bits of the float.
inline constexpr float kExponentMagic = 0x1.8p+23f;
// The same with the exponent bias of a float: the low bits are n + 127.
inline constexpr float kExponentShift = 0x1.8p+23f + 127.0f;

inline constexpr float kExpLowest = -87.3f;
inline constexpr float kExpHighest = 88.37f;
inline constexpr float kDecayLowestExponent = -125.0f;

// 2^r for |r| <= 1/2; relative error 5.2e-9 in exact arithmetic.
inline constexpr int kExp2Degree = 6;
inline constexpr float kExp2[kExp2Degree + 1] = {
    1.0f,           0x1.62e432p-1f,  0x1.ebfbe6p-3f,  0x1.c6ada6p-5f,
    0x1.3b21c6p-7f, 0x1.5fc00ap-10f, 0x1.4bc7b4p-13f,
};

// 2 atanh(s) / s in z = s^2 for z in [0, 1/9]; relative error 1.1e-10.
inline constexpr int kAtanhDegree = 5;
inline constexpr float kAtanh[kAtanhDegree + 1] = {
    2.0f,           0x1.555558p-1f, 0x1.9996d8p-2f,
    0x1.250514p-2f, 0x1.b72ad8p-3f, 0x1.f090acp-3f,
};

// Above it Softplus is the identity to within float32.
inline constexpr float kSoftplusLinear = 20.0f;

// tanh(x) / x in x^2 for |x| <= kTanhSmall; relative error 4.5e-9.
inline constexpr float kTanhSmall = 0.625f;
inline constexpr int kTanhDegree = 5;
inline constexpr float kTanhRatio[kTanhDegree + 1] = {
    1.0f,           -0x1.555532p-2f, 0x1.1106f6p-3f, -0x1.b835a4p-5f,
    0x1.51f8cep-6f, -0x1.750ce4p-8f,
};

// (1 - Phi(a)) exp(a^2 / 2) / t in t = 1 / (1 + kNormalTailStep a) for a from 0
// to 13.3, where 1 - Phi ends in float32; relative error 6.0e-9.
inline constexpr float kNormalTailStep = 0.3f;
inline constexpr int kNormalTailDegree = 9;
inline constexpr float kNormalTail[kNormalTailDegree + 1] = {
    0x1.ea3c60p-4f, 0x1.e9c832p-4f,  0x1.c3664cp-4f, 0x1.41a2e2p-4f,
    0x1.8856d6p-4f, -0x1.429ebap-4f, 0x1.873926p-3f, -0x1.d24404p-3f,
    0x1.cb9fc8p-4f, -0x1.513fa2p-6f,
};

// 2 sqrt(2 / pi), and the same times 0.044715.
inline constexpr float kGeluLinear = 1.5957691216f;
inline constexpr float kGeluCubic = 0.0713548162726f;
inline constexpr float kGeluQuickSlope = 1.702f;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Virtual lanes of a reduction.
inline constexpr int kReductionLanes = 16;

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_ELEMENT_FUNCTIONS_H_
