// Results of `braid bench` as text.
#ifndef BRAID_APPS_BRAID_BENCH_REPORT_H_
#define BRAID_APPS_BRAID_BENCH_REPORT_H_

#include <string>
#include <vector>

#include "braid/model.h"

namespace braid::cli {

// What is measured: a prompt of `prompt_tokens`, or `generated_tokens` one
// after another; the other is 0.
struct BenchTest {
  int prompt_tokens = 0;
  int generated_tokens = 0;
  int sequences = 1;  // side by side, each with as many tokens
  int threads = 1;
  int batch = 0;
  int ubatch = 0;

  int tokens() const { return prompt_tokens + generated_tokens; }
};

struct BenchResult {
  BenchTest test;
  std::vector<double> seconds;  // of each repetition
};

enum class BenchFormat { kMarkdown, kCsv, kJson };

// A result is printed as Header(), then Row() of each result with `first` for
// the first one, then Footer(): a long benchmark shows what it has.
class BenchReport {
 public:
  BenchReport(BenchFormat format, std::string path, ModelInfo info)
      : format_(format), path_(std::move(path)), info_(std::move(info)) {}

  std::string Header() const;
  std::string Row(const BenchResult& result, bool first) const;
  std::string Footer() const;

 private:
  BenchFormat format_;
  std::string path_;
  ModelInfo info_;
};

struct MeanAndDeviation {
  double mean = 0;
  double deviation = 0;  // of a sample: divided by n - 1; 0 for one value
};

MeanAndDeviation Statistics(const std::vector<double>& values);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_BENCH_REPORT_H_
