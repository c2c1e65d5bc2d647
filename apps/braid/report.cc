#include "apps/braid/report.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

namespace {

// The most memory that this program ever had resident, where the system tells.
// (getrusage counts what ran in the process before exec, too.)
std::string PeakText() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    constexpr std::string_view kName = "VmHWM:";
    if (!line.starts_with(kName)) continue;
    return SizeText(std::strtod(line.c_str() + kName.size(), nullptr) * 1024);
  }
  return "unknown";
}

std::string SpeedLine(const char* what, int64_t tokens, double seconds) {
  std::string line = Format("{} {} in {} s", what, Counted(tokens, "token"),
                            Fixed(seconds, 2));
  if (seconds > 0) {
    line += Format(", {} tokens/s",
                   Fixed(static_cast<double>(tokens) / seconds, 1));
  }
  return line + "\n";
}

}  // namespace

std::string RunReport(const Engine& engine, const SchedulerTimes& times,
                      double load_seconds) {
  const ModelInfo& info = engine.model().info();
  const MemoryUse use = engine.memory_use();
  return Format("load:   {} s, weights {}\n", Fixed(load_seconds, 2),
                SizeText(static_cast<double>(info.weight_bytes))) +
         SpeedLine("prompt:", times.prompt_tokens, times.prompt_seconds) +
         SpeedLine("decode:", times.decoded_tokens, times.decode_seconds) +
         Format("total:  {} s\n", Fixed(times.seconds, 2)) +
         Format("memory: peak {}, sequences may use {}, activations {}\n",
                PeakText(), SizeText(static_cast<double>(use.capacity)),
                SizeText(static_cast<double>(use.scratch)));
}

}  // namespace braid::cli
