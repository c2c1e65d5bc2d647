// braid_api_calls MODEL CALLS [SEED]
//
// Makes CALLS random calls of the public API with each kind of tiny model, most
// of them wrong. MODEL is any GGUF file with a vocabulary. Prints a line of
// counts for each, and ends with 1 if anything was wrong.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "braid/model.h"
#include "tests/consistency/api_calls.h"

int main(int argc, char** argv) {
  using namespace braid;
  const int64_t calls = argc < 3 ? 0 : std::strtoll(argv[2], nullptr, 10);
  const uint64_t seed = argc < 4 ? 0 : std::strtoull(argv[3], nullptr, 10);
  if (calls < 1) {
    std::fprintf(stderr, "usage: braid_api_calls MODEL CALLS [SEED]\n");
    return 2;
  }
  const auto tokenizer = LoadTokenizer(argv[1]);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return 2;
  }
  bool right = true;
  for (int k = 0; k <= static_cast<int>(TinyKind::kHybrid); ++k) {
    const auto kind = static_cast<TinyKind>(k);
    const CallTally tally = MakeRandomCalls(kind, **tokenizer, seed, calls);
    std::printf(
        "%-16s %8lld calls, %7lld refused, %7lld accepted, %7lld "
        "compared%s%s\n",
        ToText(kind).c_str(), static_cast<long long>(tally.calls),
        static_cast<long long>(tally.refused),
        static_cast<long long>(tally.accepted),
        static_cast<long long>(tally.compared),
        tally.failure.empty() ? "" : ": ", tally.failure.c_str());
    std::fflush(stdout);
    right &= tally.failure.empty();
  }
  return right ? 0 : 1;
}
