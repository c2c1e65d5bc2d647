#include "apps/braid/bench_report.h"

#include <cmath>
#include <fstream>
#include <utility>

#include "apps/braid/json_text.h"
#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

namespace {

// "167.77 K", "1.28 B"
std::string CountText(int64_t count) {
  const auto value = static_cast<double>(count);
  if (value >= 1e9) return Fixed(value / 1e9, 2) + " B";
  if (value >= 1e6) return Fixed(value / 1e6, 2) + " M";
  return Fixed(value / 1e3, 2) + " K";
}

// CSV and SQL double the quote inside a text.
std::string QuotedText(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char letter : text) {
    quoted += letter;
    if (letter == quote) quoted += letter;
  }
  return quoted + quote;
}

// Of one cell of a Markdown table.
std::string CellText(std::string_view text) {
  std::string cell;
  for (const char letter : text) {
    if (letter == '|') cell += '\\';
    cell += letter == '\n' || letter == '\r' ? ' ' : letter;
  }
  return cell;
}

const char* KvName(KvType type) { return type == KvType::kF16 ? "f16" : "f32"; }

// "model name" of the first processor; empty where there is no such file.
std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "";
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

// The columns of CSV, JSON and SQL.
std::vector<Field> Fields(const BenchResult& result) {
  static const std::string kProcessor = ProcessorName();
  const BenchTest& test = result.test;
  const auto [seconds, seconds_deviation] = Statistics(result.seconds);
  const auto [speed, speed_deviation] = Statistics(result.TokensPerSecond());
  return {{"build_version", BRAID_VERSION, true},
          {"cpu_info", kProcessor, true},
          {"backends", "CPU", true},
          {"model_filename", result.path, true},
          {"model_type", ModelText(result.info), true},
          {"model_size", Format("{}", result.info.file_bytes), false},
          {"model_n_params", Format("{}", result.info.parameters), false},
          {"n_batch", Format("{}", test.batch), false},
          {"n_ubatch", Format("{}", test.ubatch), false},
          {"n_threads", Format("{}", test.threads), false},
          {"type_k", KvName(test.kv_type), true},
          {"type_v", KvName(test.kv_type), true},
          {"n_gpu_layers", "0", false},
          {"n_parallel", Format("{}", test.sequences), false},
          {"n_prompt", Format("{}", test.prompt_tokens), false},
          {"n_gen", Format("{}", test.generated_tokens), false},
          {"n_depth", Format("{}", test.depth), false},
          {"test_time", result.time, true},
          {"avg_ns", Fixed(seconds * 1e9, 0), false},
          {"stddev_ns", Fixed(seconds_deviation * 1e9, 0), false},
          {"avg_ts", Fixed(speed, 6), false},
          {"stddev_ts", Fixed(speed_deviation, 6), false}};
}

std::string SqlTable() {
  std::vector<std::string> columns;
  for (const Field& field : Fields({})) {
    const std::string_view name = field.name;
    const bool real = name == "avg_ts" || name == "stddev_ts";
    columns.push_back(Format("  {} {}", name,
                             field.is_text ? "TEXT"
                             : real        ? "REAL"
                                           : "INTEGER"));
  }
  return Format("CREATE TABLE IF NOT EXISTS llama_bench (\n{}\n);\n\n",
                Joined(columns, ",\n"));
}

std::string FieldNames() {
  std::vector<std::string> names;
  for (const Field& field : Fields({})) names.emplace_back(field.name);
  return Joined(names, ",");
}

// Text quoted by `quote`, separated by commas.
std::string FieldValues(const BenchResult& result, char quote) {
  std::vector<std::string> cells;
  for (const Field& field : Fields(result)) {
    cells.push_back(field.is_text ? QuotedText(field.value, quote)
                                  : field.value);
  }
  return Joined(cells, ",");
}

std::string JsonObject(const BenchResult& result) {
  std::vector<std::string> members;
  for (const Field& field : Fields(result)) {
    members.push_back(
        Format("\"{}\": {}", field.name,
               field.is_text ? JsonText(field.value) : field.value));
  }
  std::vector<double> nanoseconds;
  for (const double seconds : result.seconds) {
    nanoseconds.push_back(std::round(seconds * 1e9));
  }
  members.push_back(Format("\"samples_ns\": {}", JsonList(nanoseconds)));
  members.push_back(
      Format("\"samples_ts\": {}", JsonList(result.TokensPerSecond())));
  return Format("{{}}", Joined(members, ", "));
}

}  // namespace

std::string BenchTest::Name() const {
  std::string name;
  if (prompt_tokens > 0) name = Format("pp{}", prompt_tokens);
  if (generated_tokens > 0) {
    name += Format("{}tg{}", name.empty() ? "" : "+", generated_tokens);
  }
  if (sequences > 1) name += Format(" x{}", sequences);
  if (depth > 0) name += Format(" @ d{}", depth);
  return name;
}

std::vector<double> BenchResult::TokensPerSecond() const {
  const double tokens = static_cast<double>(test.tokens()) * test.sequences;
  std::vector<double> speeds;
  for (const double each : seconds) speeds.push_back(tokens / each);
  return speeds;
}

std::string BenchReport::Header() const {
  switch (format_) {
    case BenchFormat::kMarkdown: {
      std::string names = "| model | size | params | backend | threads |";
      std::string rule = "| --- | ---: | ---: | --- | ---: |";
      const auto add = [&](bool shown, const char* name, const char* line) {
        if (!shown) return;
        names += Format(" {} |", name);
        rule += Format(" {} |", line);
      };
      add(columns_.batch, "n_batch", "---:");
      add(columns_.ubatch, "n_ubatch", "---:");
      add(columns_.kv_type, "type_k", "---");
      add(columns_.kv_type, "type_v", "---");
      return Format("{} test | t/s |\n{} ---: | ---: |\n", names, rule);
    }
    case BenchFormat::kCsv:
      return FieldNames() + "\n";
    case BenchFormat::kJson:
      return "[\n";
    case BenchFormat::kSql:
      return SqlTable();
    case BenchFormat::kJsonLines:
    case BenchFormat::kNone:
      return "";
  }
  return "";
}

std::string BenchReport::Row(const BenchResult& result, bool first) const {
  switch (format_) {
    case BenchFormat::kMarkdown:
      return MarkdownRow(result);
    case BenchFormat::kCsv:
      return FieldValues(result, '"') + "\n";
    case BenchFormat::kJson:
      return (first ? "  " : ",\n  ") + JsonObject(result);
    case BenchFormat::kJsonLines:
      return JsonObject(result) + "\n";
    case BenchFormat::kSql:
      return Format("INSERT INTO llama_bench ({}) VALUES ({});\n", FieldNames(),
                    FieldValues(result, '\''));
    case BenchFormat::kNone:
      return "";
  }
  return "";
}

std::string BenchReport::MarkdownRow(const BenchResult& result) const {
  const BenchTest& test = result.test;
  const auto [speed, deviation] = Statistics(result.TokensPerSecond());
  std::string row =
      Format("| {} | {} | {} | CPU | {} |", CellText(ModelText(result.info)),
             SizeText(static_cast<double>(result.info.file_bytes)),
             CountText(result.info.parameters), test.threads);
  if (columns_.batch) row += Format(" {} |", test.batch);
  if (columns_.ubatch) row += Format(" {} |", test.ubatch);
  if (columns_.kv_type) {
    row += Format(" {} | {} |", KvName(test.kv_type), KvName(test.kv_type));
  }
  return row + Format(" {} | {} ± {} |\n", test.Name(), Fixed(speed, 2),
                      Fixed(deviation, 2));
}

std::string BenchReport::Footer() const {
  return format_ == BenchFormat::kJson ? "\n]\n" : "";
}

std::string ModelText(const ModelInfo& info) {
  return info.name.empty() ? info.architecture
                           : Format("{} {}", info.architecture, info.name);
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
