#include "apps/braid/machine_limits.h"

#include <algorithm>
#include <cstring>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kernels/calibration.h"

namespace braid::cli {

MachineLimits MeasureLimits(int threads, const ModelInfo& info) {
  constexpr size_t kBytes = size_t{256} << 20;
  constexpr int kRounds = 8;
  ThreadPool pool(std::max(threads, 1));
  AlignedBuffer data(kBytes);
  std::memset(data.data(), 1, kBytes);  // untouched pages are all the same one
  const auto weight_bytes = std::clamp<size_t>(
      static_cast<size_t>(std::max<int64_t>(info.weight_bytes, 0)), 1, kBytes);
  MachineLimits limits = {.threads = pool.threads()};
  const auto raise = [](double& best, double value) {
    best = std::max(best, value);
  };
  for (int i = 0; i < kRounds; ++i) {
    raise(limits.memory, ReadBandwidth(data.data(), kBytes, pool));
    raise(limits.multiply_add, MultiplyAddPeak(pool));
  }
  // The first round fills the caches.
  for (int i = 0; i <= kRounds; ++i) {
    raise(limits.weights, ReadBandwidth(data.data(), weight_bytes, pool));
  }
  return limits;
}

double ArithmeticLimit(const MachineLimits& limits, const ModelInfo& info) {
  const int64_t multiplied =
      info.parameters - int64_t{info.vocabulary_size} * info.width;
  return limits.multiply_add * 1e9 /
         (2 * static_cast<double>(std::max<int64_t>(multiplied, 1)));
}

double PassLimit(const MachineLimits& limits, const ModelInfo& info, int rows) {
  const auto bytes =
      static_cast<double>(std::max<int64_t>(info.weight_bytes, 1));
  return std::min(limits.weights * 1e9 / bytes * rows,
                  ArithmeticLimit(limits, info));
}

}  // namespace braid::cli
