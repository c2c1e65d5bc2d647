#include "apps/braid/bench_report.h"

#include <cmath>
#include <utility>

#include "apps/braid/json_text.h"
#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

namespace {

// "pp512", "tg128"; "tg128 x8" for eight sequences side by side.
std::string TestName(const BenchTest& test) {
  std::string name = test.prompt_tokens > 0 ? Format("pp{}", test.tokens())
                                            : Format("tg{}", test.tokens());
  if (test.sequences > 1) name += Format(" x{}", test.sequences);
  return name;
}

std::vector<double> TokensPerSecond(const BenchResult& result) {
  const double tokens =
      static_cast<double>(result.test.tokens()) * result.test.sequences;
  std::vector<double> speeds;
  for (const double seconds : result.seconds) {
    speeds.push_back(tokens / seconds);
  }
  return speeds;
}

// "167.77 K", "1.28 B"
std::string CountText(int64_t count) {
  const auto value = static_cast<double>(count);
  if (value >= 1e9) return Fixed(value / 1e9, 2) + " B";
  if (value >= 1e6) return Fixed(value / 1e6, 2) + " M";
  return Fixed(value / 1e3, 2) + " K";
}

std::string ModelText(const ModelInfo& info) {
  return info.name.empty() ? info.architecture
                           : Format("{} {}", info.architecture, info.name);
}

std::string CsvText(std::string_view text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    quoted += letter;
    if (letter == '"') quoted += letter;
  }
  return quoted + "\"";
}

std::string JsonList(const std::vector<double>& values) {
  std::vector<std::string> texts;
  for (const double value : values) texts.push_back(Format("{}", value));
  return Format("[{}]", Joined(texts, ", "));
}

struct Field {
  const char* name;
  std::string value;
  bool is_text;
};

// The columns of CSV and JSON.
std::vector<Field> Fields(const std::string& path, const ModelInfo& info,
                          const BenchResult& result) {
  const BenchTest& test = result.test;
  const auto [seconds, seconds_deviation] = Statistics(result.seconds);
  const auto [speed, speed_deviation] = Statistics(TokensPerSecond(result));
  return {{"model_filename", path, true},
          {"model_type", ModelText(info), true},
          {"model_size", Format("{}", info.file_bytes), false},
          {"model_n_params", Format("{}", info.parameters), false},
          {"backend", "CPU", true},
          {"n_threads", Format("{}", test.threads), false},
          {"n_batch", Format("{}", test.batch), false},
          {"n_ubatch", Format("{}", test.ubatch), false},
          {"n_parallel", Format("{}", test.sequences), false},
          {"n_prompt", Format("{}", test.prompt_tokens), false},
          {"n_gen", Format("{}", test.generated_tokens), false},
          {"avg_ns", Fixed(seconds * 1e9, 0), false},
          {"stddev_ns", Fixed(seconds_deviation * 1e9, 0), false},
          {"avg_ts", Fixed(speed, 6), false},
          {"stddev_ts", Fixed(speed_deviation, 6), false}};
}

}  // namespace

std::string BenchReport::Header() const {
  switch (format_) {
    case BenchFormat::kMarkdown:
      return "| model | size | params | backend | threads | test | t/s |\n"
             "| --- | ---: | ---: | --- | ---: | ---: | ---: |\n";
    case BenchFormat::kCsv: {
      std::vector<std::string> names;
      for (const Field& field : Fields(path_, info_, {})) {
        names.emplace_back(field.name);
      }
      return Joined(names, ",") + "\n";
    }
    case BenchFormat::kJson:
      return "[\n";
  }
  return "";
}

std::string BenchReport::Row(const BenchResult& result, bool first) const {
  const std::vector<double> speeds = TokensPerSecond(result);
  if (format_ == BenchFormat::kMarkdown) {
    const auto [speed, deviation] = Statistics(speeds);
    return Format("| {} | {} | {} | CPU | {} | {} | {} ± {} |\n",
                  ModelText(info_),
                  SizeText(static_cast<double>(info_.file_bytes)),
                  CountText(info_.parameters), result.test.threads,
                  TestName(result.test), Fixed(speed, 2), Fixed(deviation, 2));
  }
  const bool json = format_ == BenchFormat::kJson;
  std::vector<std::string> cells;
  for (const Field& field : Fields(path_, info_, result)) {
    std::string value = field.value;
    if (field.is_text) value = json ? JsonText(value) : CsvText(value);
    cells.push_back(json ? Format("\"{}\": {}", field.name, value) : value);
  }
  if (!json) return Joined(cells, ",") + "\n";
  cells.push_back(Format("\"samples_ts\": {}", JsonList(speeds)));
  std::string object = first ? "  {" : ",\n  {";
  object += Joined(cells, ", ");
  return object + "}";
}

std::string BenchReport::Footer() const {
  return format_ == BenchFormat::kJson ? "\n]\n" : "";
}

MeanAndDeviation Statistics(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  if (values.empty()) return {};
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (values.size() == 1) return {mean, 0};
  return {mean, std::sqrt(squares / (count - 1))};
}

}  // namespace braid::cli
