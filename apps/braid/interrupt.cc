#include "apps/braid/interrupt.h"

#include <atomic>
#include <csignal>

namespace braid::cli {

namespace {

// A signal handler can reach nothing but a global.
std::atomic<bool> marked = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void Mark(int /*signal*/) { marked = true; }

}  // namespace

InterruptGuard::InterruptGuard() {
  marked = false;
  struct sigaction action = {};
  action.sa_handler = Mark;
  // The second signal finds the default; writes that were cut go on.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGINT, &action, nullptr);
}

InterruptGuard::~InterruptGuard() { std::signal(SIGINT, SIG_DFL); }

bool InterruptGuard::interrupted() const { return marked; }

bool WasInterrupted() { return marked; }

std::function<bool()> InterruptGuard::asked() const {
  return [] { return marked.load(); };
}

Status InterruptGuard::Verdict() const {
  if (!interrupted()) return {};
  return Error{"interrupted; what is above is what was known by then"};
}

}  // namespace braid::cli
