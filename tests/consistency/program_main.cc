// braid_programs [--programs=N] [--kind=NAME|all] [--seed=S] [--show]
//
// Runs N random programs for each kind of model, of seeds S, S + 1, ..., and
// prints a line of counts for each; or the smallest program that fails, and
// ends with 1. --show: prints the program of each seed.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "tests/consistency/program_search.h"

namespace braid::programs {
namespace {

struct Flags {
  uint64_t programs = 1000;
  std::string kind = "all";
  uint64_t seed = 0;
  bool show = false;
};

bool ReadNumber(std::string_view text, uint64_t& number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool Read(std::string_view argument, Flags& flags) {
  const size_t equals = argument.find('=');
  const std::string_view name = argument.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? "" : argument.substr(equals + 1);
  if (name == "--programs") return ReadNumber(value, flags.programs);
  if (name == "--seed") return ReadNumber(value, flags.seed);
  if (name == "--show") flags.show = true;
  if (name == "--kind") flags.kind = value;
  return name == "--show" || name == "--kind";
}

// Was any wrong?
bool RunKind(const std::string& name, const Flags& flags) {
  const auto start = std::chrono::steady_clock::now();
  const Subject subject = MakeSubject(name);
  Alone oracle(subject);
  Tally tally;
  for (uint64_t i = 0; i < flags.programs; ++i) {
    const uint64_t seed = flags.seed + i;
    const Outcome outcome = RunSeed(subject, oracle, seed);
    tally.Add(outcome.tally);
    if (flags.show) {
      std::printf("// %s, seed %llu\n%s", name.c_str(),
                  static_cast<unsigned long long>(seed),
                  ToText(outcome.program).c_str());
    }
    if (!outcome.failed()) continue;
    std::printf("%s: program %llu of %llu fails (seed %llu): %s\n",
                name.c_str(), static_cast<unsigned long long>(i + 1),
                static_cast<unsigned long long>(flags.programs),
                static_cast<unsigned long long>(seed), outcome.failure.c_str());
    const Outcome small = Shrink(subject, oracle, outcome, 3000);
    std::printf("the smallest that fails: %s\n%s", small.failure.c_str(),
                ToText(small.program).c_str());
    return true;
  }
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  std::printf("%s: %.1f s: %s\n", name.c_str(), seconds.count(),
              tally.ToText().c_str());
  std::fflush(stdout);
  return false;
}

int Main(const std::vector<std::string_view>& arguments) {
  Flags flags;
  for (const std::string_view argument : arguments) {
    if (Read(argument, flags)) continue;
    std::fprintf(stderr, "unknown or wrong: %s\n",
                 std::string(argument).c_str());
    return 2;
  }
  bool wrong = false;
  bool known = false;
  for (const std::string& name : SubjectNames()) {
    if (flags.kind != "all" && flags.kind != name) continue;
    known = true;
    wrong |= RunKind(name, flags);
  }
  if (!known) std::fprintf(stderr, "no such kind: %s\n", flags.kind.c_str());
  return known ? wrong : 2;
}

}  // namespace
}  // namespace braid::programs

int main(int argc, char** argv) {
  return braid::programs::Main({argv + 1, argv + argc});
}
