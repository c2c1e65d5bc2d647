// Results of `braid bench` as text, with the columns of llama-bench.
#ifndef BRAID_APPS_BRAID_BENCH_REPORT_H_
#define BRAID_APPS_BRAID_BENCH_REPORT_H_

#include <string>
#include <utility>
#include <vector>

#include "braid/engine.h"
#include "braid/model.h"

namespace braid::cli {

// What is measured, after `depth` tokens that are not: a prompt of
// `prompt_tokens`, then `generated_tokens` one after another.
struct BenchTest {
  int prompt_tokens = 0;
  int generated_tokens = 0;
  int depth = 0;
  int sequences = 1;  // side by side, each with as many tokens
  int threads = 1;
  int batch = 0;
  int ubatch = 0;
  KvType kv_type = KvType::kF16;

  int tokens() const { return prompt_tokens + generated_tokens; }
  // "pp512", "tg128", "pp512+tg128"; "tg128 x8" for eight sequences side by
  // side; "tg128 @ d4096" after 4096 tokens.
  std::string Name() const;
};

struct BenchResult {
  BenchTest test;
  std::string path;
  ModelInfo info;
  std::string time;             // of the start, ISO 8601, UTC
  std::vector<double> seconds;  // of each repetition

  // Of each repetition, all sequences together.
  std::vector<double> TokensPerSecond() const;
};

enum class BenchFormat { kMarkdown, kCsv, kJson, kJsonLines, kSql, kNone };

// The columns that Markdown shows only where they tell tests apart.
struct BenchColumns {
  bool batch = false;
  bool ubatch = false;
  bool kv_type = false;
};

// A result is printed as Header(), then Row() of each result with `first` for
// the first one, then Footer(): a long benchmark shows what it has.
class BenchReport {
 public:
  BenchReport(BenchFormat format, BenchColumns columns)
      : format_(format), columns_(columns) {}

  std::string Header() const;
  std::string Row(const BenchResult& result, bool first) const;
  std::string Footer() const;

 private:
  std::string MarkdownRow(const BenchResult& result) const;

  BenchFormat format_;
  BenchColumns columns_;
};

struct MeanAndDeviation {
  double mean = 0;
  double deviation = 0;  // of a sample: divided by n - 1; 0 for one value
};

MeanAndDeviation Statistics(const std::vector<double>& values);

// The name and architecture, as a person says them.
std::string ModelText(const ModelInfo& info);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_BENCH_REPORT_H_
