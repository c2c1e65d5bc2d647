#include "apps/braid/html_report.h"

#include <algorithm>
#include <cmath>

#include "apps/braid/console.h"
#include "apps/braid/html_page.h"
#include "apps/braid/json_text.h"
#include "apps/braid/text.h"
#include "base/format.h"
#include "base/output_file.h"
#include "base/try.h"
#include "tokenizer/utf8.h"

namespace braid::cli {

namespace {

std::string TextList(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(JsonText(text));
  return Format("[{}]", Joined(quoted, ","));
}

// JSON has no infinity and no NaN.
std::string Number(double value) {
  return std::isfinite(value) ? Format("{}", value) : "null";
}

// "</script>" and "<!--" would end or open something in the page.
std::string WithoutMarkup(const std::string& json) {
  std::string safe;
  for (const char letter : json) {
    if (letter == '<') {
      safe += "\\u003c";
    } else {
      safe += letter;
    }
  }
  return safe;
}

}  // namespace

void HtmlChart::Add(const std::string& name, double x, double y) {
  Series(name, HtmlLine::kMeasured).points.emplace_back(x, y);
}

void HtmlChart::AddLimit(const std::string& name, double x, double y) {
  HtmlSeries& limit = Series(name, HtmlLine::kLimit);
  for (auto& [known_x, known_y] : limit.points) {
    if (known_x != x) continue;
    known_y = std::max(known_y, y);
    return;
  }
  limit.points.emplace_back(x, y);
}

// The outline goes along the lower edge and back along the upper one.
void HtmlChart::AddBand(const std::string& name, double x, double y,
                        double by) {
  auto& outline = Series(name, HtmlLine::kBand).points;
  const auto middle = static_cast<std::ptrdiff_t>(outline.size() / 2);
  outline.insert(outline.begin() + middle, {{x, y - by}, {x, y + by}});
}

HtmlSeries& HtmlChart::Series(const std::string& name, HtmlLine line) {
  for (HtmlSeries& one : series) {
    if (one.name == name) return one;
  }
  return series.emplace_back(HtmlSeries{.name = name, .line = line});
}

void HtmlReport::AddFacts(
    const std::string& title,
    const std::vector<std::pair<std::string, std::string>>& facts) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : facts) {
    pairs.push_back(TextList({name, value}));
  }
  parts_.push_back(Format("{\"kind\":\"facts\",\"title\":{},\"facts\":[{}]}",
                          JsonText(title), Joined(pairs, ",")));
}

void HtmlReport::AddLimits(const std::string& name, const ModelInfo& info,
                           const MachineLimits& limits) {
  const auto bandwidth = [](double value) {
    return Format("{} GB/s", Fixed(value, 1));
  };
  const auto speed = [](double value) {
    return Format("{} t/s", Fixed(value, 0));
  };
  AddFacts(
      Format("{}, {}", name, Counted(limits.threads, "thread")),
      {{"weights in memory", SizeText(static_cast<double>(info.weight_bytes))},
       {"memory read at", bandwidth(limits.memory)},
       {"weights read at", bandwidth(limits.weights)},
       {"multiply-adds", Format("{} GFLOP/s", Fixed(limits.multiply_add, 0))},
       {"one sequence at most", speed(PassLimit(limits, info, 1))},
       {"many at most", speed(ArithmeticLimit(limits, info))}});
}

void HtmlReport::AddLimitsNote() {
  parts_.push_back(Format(
      "{\"kind\":\"note\",\"text\":{}}",
      JsonText(
          "Dashed: what this machine allows, measured just after the tests. A "
          "pass reads the weights once, from the caches as far as they fit "
          "there, and a token takes two operations per parameter, token "
          "embeddings not counted; the lower of the two is the limit.")));
}

void HtmlReport::AddChart(const HtmlChart& chart) {
  if (chart.series.empty()) return;
  constexpr const char* kLines[] = {"measured", "limit", "band"};
  std::vector<std::string> series;
  for (const HtmlSeries& one : chart.series) {
    std::vector<std::string> points;
    for (const auto& [x, y] : one.points) {
      points.push_back(Format("[{},{}]", Number(x), Number(y)));
    }
    series.push_back(Format(
        "{\"name\":{},\"line\":\"{}\",\"points\":[{}]}", JsonText(one.name),
        kLines[static_cast<int>(one.line)], Joined(points, ",")));
  }
  parts_.push_back(Format(
      "{\"kind\":\"chart\",\"title\":{},\"x\":{},\"y\":{},\"fromZero\":{},"
      "\"logarithmic\":{},\"series\":[{}]}",
      JsonText(chart.title), JsonText(chart.x_name), JsonText(chart.y_name),
      chart.from_zero ? "true" : "false", chart.logarithmic ? "true" : "false",
      Joined(series, ",")));
}

void HtmlReport::AddTable(const HtmlTable& table) {
  std::vector<std::string> rows;
  for (const auto& row : table.rows) rows.push_back(TextList(row));
  parts_.push_back(
      Format("{\"kind\":\"table\",\"title\":{},\"names\":{},\"rows\":[{}]}",
             JsonText(table.title), TextList(table.names), Joined(rows, ",")));
}

void HtmlReport::AddTokens(const std::vector<TokenLoss>& tokens) {
  std::vector<std::string> shown;
  TokenLoss whole = {"", 0};
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].after_gap) shown.emplace_back("null");
    whole.text += tokens[i].text;
    whole.loss += tokens[i].loss;
    const bool ends = i + 1 == tokens.size() || tokens[i + 1].after_gap;
    if (!ends && UnfinishedUtf8(whole.text) > 0) continue;
    shown.push_back(
        Format("[{},{}]", JsonText(whole.text), Number(whole.loss)));
    whole = {"", 0};
  }
  parts_.push_back(
      Format("{\"kind\":\"tokens\",\"tokens\":[{}]}", Joined(shown, ",")));
}

std::string HtmlReport::Text() const {
  const std::string json = Format("{\"title\":{},\"parts\":[{}]}",
                                  JsonText(title_), Joined(parts_, ",\n"));
  return std::string(kPageHead) + WithoutMarkup(json) + kPageTail;
}

Status HtmlReport::CheckPath(const std::string& path) {
  if (path.empty()) return {};
  return CheckWritable(path);
}

Status HtmlReport::Write(const std::string& path) const {
  const std::string text = Text();
  BRAID_ASSIGN(OutputFile file, OutputFile::Create(path));
  BRAID_TRY(file.Write(std::as_bytes(std::span(text))));
  return file.Commit();
}

}  // namespace braid::cli
