#include "base/fp_guard.h"

#include <xmmintrin.h>

namespace braid {

namespace {
// MXCSR: all exceptions masked, round to nearest, FTZ (bit 15) and DAZ (bit 6).
constexpr uint32_t kContractMode = 0x1F80 | 0x8000 | 0x0040;
}  // namespace

FloatGuard::FloatGuard() : saved_(_mm_getcsr()) { _mm_setcsr(kContractMode); }

FloatGuard::~FloatGuard() { _mm_setcsr(saved_); }

}  // namespace braid
