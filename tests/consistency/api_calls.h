// Random calls of the public API, most of them with arguments that make no
// sense. A call must come back; one that is refused must not have changed
// anything; and one that is accepted must give the same answer as the same call
// of a twin, which never saw a call that was refused.
#ifndef BRAID_TESTS_CONSISTENCY_API_CALLS_H_
#define BRAID_TESTS_CONSISTENCY_API_CALLS_H_

#include <cstdint>
#include <string>

#include "braid/tokenizer.h"
#include "tests/consistency/tiny_models.h"

namespace braid {

struct CallTally {
  int64_t calls = 0;
  int64_t refused = 0;   // returned an error
  int64_t accepted = 0;  // changed the engine and its twin
  int64_t compared = 0;  // answers that were compared with the twin's
  std::string failure;   // what was wrong; empty: nothing
};

// `tokenizer`: of any file, for the calls that need one.
CallTally MakeRandomCalls(TinyKind kind, const Tokenizer& tokenizer,
                          uint64_t seed, int64_t calls);

}  // namespace braid

#endif  // BRAID_TESTS_CONSISTENCY_API_CALLS_H_
