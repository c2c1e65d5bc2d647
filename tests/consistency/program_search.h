// Search: programs by seed, and the smallest that still fails.
#ifndef BRAID_TESTS_CONSISTENCY_PROGRAM_SEARCH_H_
#define BRAID_TESTS_CONSISTENCY_PROGRAM_SEARCH_H_

#include <cstdint>
#include <string>

#include "tests/consistency/program.h"
#include "tests/consistency/program_oracle.h"
#include "tests/consistency/program_run.h"
#include "tests/consistency/program_subject.h"

namespace braid::programs {

struct Outcome {
  Program program;
  std::string failure;  // empty: none
  Tally tally;

  bool failed() const { return !failure.empty(); }
};

// Makes the program of a seed and runs it.
Outcome RunSeed(const Subject& subject, Alone& oracle, uint64_t seed);
// Runs a program that was made before.
Outcome RunProgram(const Subject& subject, Alone& oracle,
                   const Program& program);
// Drops steps, pieces and sequences, shortens texts, and simplifies wants and
// options of a program that fails, while it does; at most `tries` runs.
Outcome Shrink(const Subject& subject, Alone& oracle, Outcome outcome,
               int tries);

}  // namespace braid::programs

#endif  // BRAID_TESTS_CONSISTENCY_PROGRAM_SEARCH_H_
