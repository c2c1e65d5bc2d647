// Which vector targets this machine has, and which one the kernels use.
//
// The baseline of x86 is AVX2 with FMA and F16C; AVX-512 is used where the CPU
// has it. Every target gives the same bits.
#ifndef BRAID_SRC_KERNELS_TARGETS_H_
#define BRAID_SRC_KERNELS_TARGETS_H_

#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"

namespace braid {

// An error naming what is missing if this CPU cannot run the kernels at all.
// Call before anything else computes.
Status CheckCpu();

// Names of the usable targets, best first: "AVX3" (AVX-512), "AVX2".
std::vector<std::string> VectorTargets();

// For tests: makes the kernels use the named target until called again; an
// empty name restores the choice by CPU. Not thread-safe.
void UseVectorTarget(std::string_view name);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_TARGETS_H_
