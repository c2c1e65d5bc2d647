// FloatGuard: the floating-point mode that the contract's bits are defined in
// (round to nearest, flush denormal results and inputs to zero), set for a
// scope and put back after it. A decaying recurrent state reaches denormals,
// which cost a hundred cycles each.
//
// The mode is per thread: pool workers hold a guard for their whole life, the
// caller's thread holds one inside every call that computes.
#ifndef BRAID_SRC_BASE_FP_GUARD_H_
#define BRAID_SRC_BASE_FP_GUARD_H_

#include <cstdint>

namespace braid {

class FloatGuard {
 public:
  FloatGuard();
  ~FloatGuard();
  FloatGuard(const FloatGuard&) = delete;
  FloatGuard& operator=(const FloatGuard&) = delete;

 private:
  uint32_t saved_;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_FP_GUARD_H_
