// What the machine can do: the limits that a report holds speeds against.
#ifndef BRAID_APPS_BRAID_MACHINE_LIMITS_H_
#define BRAID_APPS_BRAID_MACHINE_LIMITS_H_

#include "braid/model.h"

namespace braid::cli {

// Of `threads` threads, for one model; the best of a few short loops each, in
// GB/s and GFLOP/s.
struct MachineLimits {
  int threads = 1;
  double memory = 0;   // reading far more than the caches hold
  double weights = 0;  // reading as many bytes as the weights have, over and
                       // over: from the caches, as far as they fit
  double multiply_add = 0;  // in registers, two operations each
};

// Takes about half a second and 256 MiB.
MachineLimits MeasureLimits(int threads, const ModelInfo& info);

// Tokens per second that passes of `rows` rows cannot exceed: a pass reads all
// weights once, and every row takes two operations per parameter, those of the
// token embeddings not counted. (Of a mixture of experts a row takes fewer.)
double PassLimit(const MachineLimits& limits, const ModelInfo& info, int rows);

// The same of passes with as many rows as one likes.
double ArithmeticLimit(const MachineLimits& limits, const ModelInfo& info);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_MACHINE_LIMITS_H_
