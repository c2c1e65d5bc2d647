// Exp: e^x with the same bits on every machine. The C library's differs in the
// last place from one version to the next, and one such bit can turn a drawn
// token into another.
#ifndef BRAID_SRC_SAMPLING_EXP_H_
#define BRAID_SRC_SAMPLING_EXP_H_

#include <bit>
#include <cmath>
#include <cstdint>

namespace braid {

// e^x for x <= 0, relative error below 1e-15; 0 below -700, so that no result
// is denormal. x = k ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite: ln 2 in two
// parts, the first with trailing zeros, so that k times it is exact), and the
// Taylor series of e^r, whose first omitted term is below 5e-18.
inline double Exp(double x) {
  if (!(x > -700.0)) return 0.0;
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  constexpr double kLn2High = 0x1.62e42fee00000p-1;
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  const double k = std::floor(x * kLog2E + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double sum = 1.0 / 6227020800.0;  // 1 / 13!
  // 1 / 12!, ..., 1 / 1!, 1 / 0!
  for (double coefficient :
       {1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0,
        1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0,
        1.0 / 6.0, 1.0 / 2.0, 1.0, 1.0}) {
    sum = sum * r + coefficient;
  }
  const int64_t exponent = static_cast<int64_t>(k) + 1023;
  return sum * std::bit_cast<double>(static_cast<uint64_t>(exponent) << 52);
}

}  // namespace braid

#endif  // BRAID_SRC_SAMPLING_EXP_H_
