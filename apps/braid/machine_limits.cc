#include "apps/braid/machine_limits.h"

#include <algorithm>

#include "apps/braid/bench_report.h"
#include "apps/braid/text.h"
#include "base/format.h"
#include "base/thread_pool.h"
#include "kernels/calibration.h"

namespace braid::cli {

Result<MachineLimits> MeasureLimits(int threads) {
  constexpr size_t kBytes = size_t{256} << 20;
  constexpr int kRounds = 5;
  ThreadPool pool(std::max(threads, 1));
  const std::vector<std::byte> data(kBytes, std::byte{1});
  MachineLimits limits = {.threads = pool.threads()};
  for (int i = 0; i < kRounds; ++i) {
    limits.gigabytes_per_second =
        std::max(limits.gigabytes_per_second,
                 ReadBandwidth(data.data(), data.size(), pool));
    limits.gigaflops = std::max(limits.gigaflops, MultiplyAddPeak(pool));
  }
  return limits;
}

double BandwidthLimit(const MachineLimits& limits, const ModelInfo& info) {
  const auto bytes = static_cast<double>(std::max<int64_t>(info.file_bytes, 1));
  return limits.gigabytes_per_second * 1e9 / bytes;
}

double ArithmeticLimit(const MachineLimits& limits, const ModelInfo& info) {
  const auto count = static_cast<double>(std::max<int64_t>(info.parameters, 1));
  return limits.gigaflops * 1e9 / (2 * count);
}

double PassLimit(const MachineLimits& limits, const ModelInfo& info, int rows) {
  return std::min(BandwidthLimit(limits, info) * rows,
                  ArithmeticLimit(limits, info));
}

std::vector<std::pair<std::string, std::string>> FactsAbout(
    const ModelInfo& info, const MachineLimits& limits) {
  return {
      {"model", ModelText(info)},
      {"file", SizeText(static_cast<double>(info.file_bytes))},
      {"threads", Format("{}", limits.threads)},
      {"memory bandwidth",
       Format("{} GB/s", Fixed(limits.gigabytes_per_second, 1))},
      {"multiply-add peak", Format("{} GFLOP/s", Fixed(limits.gigaflops, 0))}};
}

}  // namespace braid::cli
