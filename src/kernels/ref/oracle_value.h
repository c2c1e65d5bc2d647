// OracleValue: what an oracle says about one output.
#ifndef BRAID_SRC_KERNELS_REF_ORACLE_VALUE_H_
#define BRAID_SRC_KERNELS_REF_ORACLE_VALUE_H_

namespace braid {

// Half a unit in the last place of 1: the relative error of one rounding.
inline constexpr double kFloatRounding = 0x1p-24;
// Bounds of kernels/element_functions.h.
inline constexpr double kExpError = 1.2e-7;
inline constexpr double kTanhError = 2.5e-7;

struct OracleValue {
  double value = 0;  // in double precision
  // No correct float32 evaluation by the numeric definition is further away.
  double tolerance = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_ORACLE_VALUE_H_
