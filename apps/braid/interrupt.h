// Ctrl-C: the first ends a command with what is known so far, the second ends
// the program as usual.
#ifndef BRAID_APPS_BRAID_INTERRUPT_H_
#define BRAID_APPS_BRAID_INTERRUPT_H_

#include <functional>

#include "braid/result.h"

namespace braid::cli {

// While one lives, SIGINT only leaves a mark, once; the system's default is
// back after that. At most one lives at a time. The mark may be read from any
// thread.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool interrupted() const;
  // The same as what Engine::Decode asks between ubatches.
  std::function<bool()> asked() const;
  // An error if interrupted.
  Status Verdict() const;
};

// Was there a Ctrl-C since the last InterruptGuard began?
bool WasInterrupted();

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_INTERRUPT_H_
