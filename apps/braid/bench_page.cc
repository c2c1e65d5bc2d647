#include "apps/braid/bench_page.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <utility>

#include "apps/braid/html_report.h"
#include "apps/braid/machine_limits.h"
#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

namespace {

using Results = std::vector<std::reference_wrapper<const BenchResult>>;

std::string FileName(const BenchResult& result) {
  return std::filesystem::path(result.path).filename().string();
}

// What tests may differ in: a chart runs over one property, and its lines are
// named by the others.
struct Property {
  const char* axis;  // nullptr: not a number
  int (*value)(const BenchTest&);
  std::string (*text)(const BenchResult&);
  bool of_limits;  // the machine's limits depend on it
};

// In the order in which a chart prefers them as its axis.
constexpr Property kTokens = {
    "tokens", [](const BenchTest& t) { return t.tokens(); },
    [](const BenchResult& r) { return Counted(r.test.tokens(), "token"); },
    false};
constexpr Property kSequences = {
    "sequences", [](const BenchTest& t) { return t.sequences; },
    [](const BenchResult& r) { return Counted(r.test.sequences, "sequence"); },
    false};
constexpr Property kDepth = {
    "tokens before", [](const BenchTest& t) { return t.depth; },
    [](const BenchResult& r) { return Format("after {}", r.test.depth); },
    false};
constexpr Property kThreads = {
    "threads", [](const BenchTest& t) { return t.threads; },
    [](const BenchResult& r) { return Counted(r.test.threads, "thread"); },
    true};
constexpr Property kBatch = {
    "batch", [](const BenchTest& t) { return t.batch; },
    [](const BenchResult& r) { return Format("batch {}", r.test.batch); },
    false};
constexpr Property kUbatch = {
    "ubatch", [](const BenchTest& t) { return t.ubatch; },
    [](const BenchResult& r) { return Format("ubatch {}", r.test.ubatch); },
    false};
constexpr Property kKvType = {
    nullptr, [](const BenchTest& t) { return static_cast<int>(t.kv_type); },
    [](const BenchResult& r) {
      return std::string(r.test.kv_type == KvType::kF16 ? "KV f16" : "KV f32");
    },
    false};

using Properties = std::vector<Property>;

bool Varies(const Results& results, const Property& property) {
  return std::ranges::any_of(results, [&](const BenchResult& result) {
    return property.value(result.test) !=
           property.value(results.front().get().test);
  });
}

bool SeveralModels(const Results& results) {
  return std::ranges::any_of(results, [&](const BenchResult& result) {
    return result.path != results.front().get().path;
  });
}

// Tests with the same `one` have the same `other`.
bool Follows(const Results& results, const Property& one,
             const Property& other) {
  std::map<int, int> value_of;
  return std::ranges::all_of(results, [&](const BenchResult& result) {
    const int value = other.value(result.test);
    return value_of.emplace(one.value(result.test), value).first->second ==
           value;
  });
}

// Those in which the tests differ, without what another one tells already.
Properties Varied(const Results& results, const Properties& properties) {
  Properties varied;
  for (const Property& property : properties) {
    const bool told = std::ranges::any_of(varied, [&](const Property& known) {
      return Follows(results, known, property);
    });
    if (Varies(results, property) && !told) varied.push_back(property);
  }
  return varied;
}

// The limits of every model and number of threads, measured once.
class MeasuredLimits {
 public:
  const MachineLimits& Of(const BenchResult& result) {
    const std::pair key(result.path, result.test.threads);
    const auto known = limits_.find(key);
    if (known != limits_.end()) return known->second;
    return limits_.emplace(key, MeasureLimits(result.test.threads, result.info))
        .first->second;
  }

 private:
  std::map<std::pair<std::string, int>, MachineLimits> limits_;
};

// Rows of a pass at the most.
int Rows(const BenchTest& test) {
  if (test.prompt_tokens == 0) return std::min(test.sequences, test.ubatch);
  return static_cast<int>(std::min<int64_t>(
      int64_t{test.prompt_tokens} * test.sequences, test.ubatch));
}

// Speeds of `results` over the first property in which they differ.
HtmlChart SpeedChart(const std::string& title, const Results& results,
                     const Properties& properties, MeasuredLimits& limits) {
  HtmlChart chart = {.title = title,
                     .x_name = properties.front().axis,
                     .y_name = "tokens/s of all",
                     .logarithmic = true};
  if (results.empty()) return chart;
  Properties varied = Varied(results, properties);
  const auto numeric = std::ranges::find_if(
      varied, [](const Property& p) { return p.axis != nullptr; });
  Property axis = properties.front();
  if (numeric != varied.end()) {
    axis = *numeric;
    varied.erase(numeric);
  }
  chart.x_name = axis.axis;
  const bool several_models = SeveralModels(results);
  const auto name = [&](const BenchResult& result, bool limit) {
    std::vector<std::string> words;
    if (limit) words.emplace_back("limit");
    if (several_models) words.push_back(FileName(result));
    for (const Property& property : varied) {
      if (!limit || property.of_limits) words.push_back(property.text(result));
    }
    return words.empty() ? "measured" : Joined(words, ", ");
  };
  for (const BenchResult& result : results) {
    const double x = axis.value(result.test);
    chart.logarithmic = chart.logarithmic && x > 0;
    chart.Add(name(result, false), x,
              Statistics(result.TokensPerSecond()).mean);
    chart.AddLimit(
        name(result, true), x,
        PassLimit(limits.Of(result), result.info, Rows(result.test)));
  }
  return chart;
}

HtmlTable ResultTable(const Results& results) {
  HtmlTable table = {
      .title = "Results",
      .names = {"test", "threads", "batch", "ubatch", "t/s", "±"}};
  const bool several_models = SeveralModels(results);
  if (several_models) table.names.insert(table.names.begin(), "model");
  for (const BenchResult& result : results) {
    const BenchTest& test = result.test;
    const auto [speed, deviation] = Statistics(result.TokensPerSecond());
    auto& row = table.rows.emplace_back(std::vector<std::string>{
        test.Name(), Format("{}", test.threads), Format("{}", test.batch),
        Format("{}", test.ubatch), Fixed(speed, 2), Fixed(deviation, 2)});
    if (several_models) row.insert(row.begin(), FileName(result));
  }
  return table;
}

}  // namespace

Status WriteBenchPage(const std::vector<BenchResult>& results,
                      const std::string& path) {
  HtmlReport page("braid bench");
  MeasuredLimits limits;
  std::vector<const MachineLimits*> shown;
  Results prompts;
  Results generated;
  for (const BenchResult& result : results) {
    const MachineLimits& of = limits.Of(result);
    if (std::ranges::find(shown, &of) == shown.end()) {
      shown.push_back(&of);
      page.AddLimits(Format("{}, {}", ModelText(result.info), FileName(result)),
                     result.info, of);
    }
    if (result.test.generated_tokens == 0) prompts.emplace_back(result);
    if (result.test.prompt_tokens == 0) generated.emplace_back(result);
  }
  page.AddLimitsNote();
  page.AddChart(SpeedChart(
      "Prompts", prompts,
      {kTokens, kSequences, kDepth, kBatch, kUbatch, kThreads, kKvType},
      limits));
  page.AddChart(SpeedChart(
      "Generation", generated,
      {kSequences, kDepth, kTokens, kThreads, kBatch, kUbatch, kKvType},
      limits));
  page.AddTable(ResultTable({results.begin(), results.end()}));
  return page.Write(path);
}

}  // namespace braid::cli
