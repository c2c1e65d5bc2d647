// What the machine can do right now: the limits that a kernel's speed is held
// against. Measured beside every figure, because a machine has slow phases.
#ifndef BRAID_SRC_KERNELS_CALIBRATION_H_
#define BRAID_SRC_KERNELS_CALIBRATION_H_

#include <cstddef>

#include "base/thread_pool.h"

namespace braid {

// GFLOP/s of independent fused multiply-adds in registers, on all threads.
double MultiplyAddPeak(ThreadPool& threads);

// GB/s of reading `bytes` at `data` once, split evenly over the threads.
// Data several times larger than the last cache measures the memory, smaller
// data the cache that it fits.
double ReadBandwidth(const std::byte* data, size_t bytes, ThreadPool& threads);

// Seconds on a clock that never goes back.
double Now();

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_CALIBRATION_H_
