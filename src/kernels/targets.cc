#include "kernels/targets.h"

#include <cpuid.h>
#include <hwy/targets.h>

#include "base/check.h"
#include "base/format.h"

namespace braid {

namespace {

// Bits of CPUID (Intel SDM volume 2A, table 3-8) that the compilers' own
// feature test does not know.
constexpr unsigned kF16cBit = 1u << 29;  // leaf 1, ecx
constexpr unsigned kLzcntBit = 1u << 5;  // leaf 0x80000001, ecx

bool HasBit(unsigned leaf, unsigned bit) {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(leaf, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit) != 0;
}

// What the AVX2 build of the kernels uses and this CPU (or its operating
// system) lacks; empty if it can run.
std::string MissingFeatures() {
  struct Feature {
    const char* name;
    bool present;
  };
  __builtin_cpu_init();
  const Feature features[] = {
      {"AVX2", __builtin_cpu_supports("avx2") != 0},
      {"FMA", __builtin_cpu_supports("fma") != 0},
      {"F16C", HasBit(1, kF16cBit)},
      {"BMI", __builtin_cpu_supports("bmi") != 0},
      {"BMI2", __builtin_cpu_supports("bmi2") != 0},
      {"LZCNT", HasBit(0x80000001u, kLzcntBit)},
      {"AES", __builtin_cpu_supports("aes") != 0},
      {"PCLMULQDQ", __builtin_cpu_supports("pclmul") != 0},
  };
  std::string missing;
  for (const Feature& feature : features) {
    if (feature.present) continue;
    if (!missing.empty()) missing += ", ";
    missing += feature.name;
  }
  return missing;
}

bool HasAvx512() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512cd") != 0;
}

}  // namespace

Status CheckCpu() {
  const std::string missing = MissingFeatures();
  if (missing.empty()) return {};
  return Error{
      Format("this CPU cannot run Braid's kernels: it lacks {}", missing)};
}

std::vector<std::string> VectorTargets() {
  std::vector<std::string> names;
  if (!MissingFeatures().empty()) return names;
  if (HasAvx512()) names.emplace_back(hwy::TargetName(HWY_AVX3));
  names.emplace_back(hwy::TargetName(HWY_AVX2));
  return names;
}

void UseVectorTarget(std::string_view name) {
  int64_t targets = 0;  // Highway's word for "what the CPU has"
  for (const int64_t target : {HWY_AVX3, HWY_AVX2}) {
    if (name == hwy::TargetName(target)) targets = target;
  }
  BRAID_CHECK(name.empty() || targets != 0);
  hwy::SetSupportedTargetsForTest(targets);
}

}  // namespace braid
