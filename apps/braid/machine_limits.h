// What the machine can do: the limits that a report holds speeds against.
#ifndef BRAID_APPS_BRAID_MACHINE_LIMITS_H_
#define BRAID_APPS_BRAID_MACHINE_LIMITS_H_

#include <string>
#include <utility>
#include <vector>

#include "braid/model.h"
#include "braid/result.h"

namespace braid::cli {

// Of `threads` threads, measured; the best of a few short loops.
struct MachineLimits {
  int threads = 1;
  double gigabytes_per_second = 0;  // reading memory far larger than caches
  double gigaflops = 0;             // fused multiply-adds, two operations each
};

// Takes about half a second and 256 MiB.
Result<MachineLimits> MeasureLimits(int threads);

// Tokens per second that no decode of one row a pass can exceed: every token
// reads all weights once.
double BandwidthLimit(const MachineLimits& limits, const ModelInfo& info);
// Tokens per second that no number of rows can exceed: two operations per
// parameter.
double ArithmeticLimit(const MachineLimits& limits, const ModelInfo& info);

// Tokens per second of passes of `rows` rows, which read the weights once.
double PassLimit(const MachineLimits& limits, const ModelInfo& info, int rows);

// What the charts call these.
inline constexpr char kArithmeticLimit[] = "limit: arithmetic";
inline constexpr char kPassLimit[] = "limit: weights from memory, once a step";

// Names and values for the head of a report.
std::vector<std::pair<std::string, std::string>> FactsAbout(
    const ModelInfo& info, const MachineLimits& limits);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_MACHINE_LIMITS_H_
