// braid_failures [--points=N] [--model=FILE]
//
// Fails every point (with N: about N points of each operation) of every
// operation of every kind of tiny model, and of loading FILE, once and from the
// point on. Prints a line of counts for each, and ends with 1 if anything was
// wrong.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/consistency/failures.h"

namespace braid {
namespace {

bool Print(const std::string& what, const FailureTally& tally) {
  std::printf("%-16s %7lld points failed, %7lld errors%s%s\n", what.c_str(),
              static_cast<long long>(tally.points),
              static_cast<long long>(tally.errors),
              tally.failure.empty() ? "" : ": ", tally.failure.c_str());
  std::fflush(stdout);
  return tally.failure.empty();
}

int Run(int64_t points, const std::string& model) {
  bool right = true;
  FailureTally all;
  for (int k = 0; k <= static_cast<int>(TinyKind::kHybrid); ++k) {
    const auto kind = static_cast<TinyKind>(k);
    FailureTally tally;
    for (int i = 0; i <= static_cast<int>(kLastFailingOperation); ++i) {
      for (const Failing failing : {Failing::kOnce, Failing::kFromThenOn}) {
        tally.Add(FailOperation(kind, static_cast<FailingOperation>(i), failing,
                                points));
      }
    }
    right &= Print(ToText(kind), tally);
    all.Add(tally);
  }
  if (!model.empty()) {
    FailureTally tally;
    for (const Failing failing : {Failing::kOnce, Failing::kFromThenOn}) {
      tally.Add(FailLoading(model, failing, points));
    }
    right &= Print("loading", tally);
    all.Add(tally);
  }
  Print("all", all);
  return right ? 0 : 1;
}

int Main(int argc, char** argv) {
  int64_t points = INT64_MAX / 2;
  std::string model;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? "" : argument.substr(equals + 1);
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), points);
    if (argument.starts_with("--model=")) {
      model = value;
    } else if (!argument.starts_with("--points=") || error != std::errc() ||
               end != value.data() + value.size() || points < 1) {
      std::fprintf(stderr,
                   "usage: braid_failures [--points=N] [--model=FILE]\n");
      return 2;
    }
  }
  return Run(points, model);
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) { return braid::Main(argc, argv); }
