#include "apps/braid/html_report.h"

#include <cmath>

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
  Series(name).points.emplace_back(x, y);
}

void HtmlChart::AddLimit(const std::string& name, double x, double y) {
  HtmlSeries& limit = Series(name);
  limit.is_limit = true;
  for (const auto& [known_x, known_y] : limit.points) {
    if (known_x == x) return;
  }
  limit.points.emplace_back(x, y);
}

HtmlSeries& HtmlChart::Series(const std::string& name) {
  for (HtmlSeries& one : series) {
    if (one.name == name) return one;
  }
  return series.emplace_back(HtmlSeries{name, {}});
}

void HtmlReport::AddFacts(
    const std::vector<std::pair<std::string, std::string>>& facts) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : facts) {
    pairs.push_back(TextList({name, value}));
  }
  parts_.push_back(
      Format("{\"kind\":\"facts\",\"facts\":[{}]}", Joined(pairs, ",")));
}

void HtmlReport::AddLimits(const MachineLimits& limits, const ModelInfo& info) {
  const std::string sentence = Format(
      "This machine's limits for this model: {} tokens/s for one sequence, if "
      "every token reads all weights from memory (a model that stays in the "
      "caches can be faster), and {} tokens/s by arithmetic.",
      Fixed(BandwidthLimit(limits, info), 0),
      Fixed(ArithmeticLimit(limits, info), 0));
  parts_.push_back(
      Format("{\"kind\":\"note\",\"text\":{}}", JsonText(sentence)));
}

void HtmlReport::AddChart(const HtmlChart& chart) {
  if (chart.series.empty()) return;
  std::vector<std::string> series;
  for (const HtmlSeries& one : chart.series) {
    std::vector<std::string> points;
    for (const auto& [x, y] : one.points) {
      points.push_back(Format("[{},{}]", Number(x), Number(y)));
    }
    series.push_back(Format("{\"name\":{},\"limit\":{},\"points\":[{}]}",
                            JsonText(one.name), one.is_limit ? "true" : "false",
                            Joined(points, ",")));
  }
  parts_.push_back(Format(
      "{\"kind\":\"chart\",\"title\":{},\"x\":{},\"y\":{},\"series\":[{}]}",
      JsonText(chart.title), JsonText(chart.x_name), JsonText(chart.y_name),
      Joined(series, ",")));
}

void HtmlReport::AddTable(const HtmlTable& table) {
  std::vector<std::string> rows;
  for (const auto& row : table.rows) rows.push_back(TextList(row));
  parts_.push_back(Format("{\"kind\":\"table\",\"names\":{},\"rows\":[{}]}",
                          TextList(table.names), Joined(rows, ",")));
}

void HtmlReport::AddTokens(const std::vector<TokenLoss>& tokens) {
  std::vector<std::string> pairs;
  TokenLoss shown = {"", 0};
  for (size_t i = 0; i < tokens.size(); ++i) {
    shown.text += tokens[i].text;
    shown.loss += tokens[i].loss;
    if (i + 1 < tokens.size() && UnfinishedUtf8(shown.text) > 0) continue;
    pairs.push_back(
        Format("[{},{}]", JsonText(shown.text), Number(shown.loss)));
    shown = {"", 0};
  }
  parts_.push_back(
      Format("{\"kind\":\"tokens\",\"tokens\":[{}]}", Joined(pairs, ",")));
}

std::string HtmlReport::Text() const {
  const std::string json = Format("{\"title\":{},\"parts\":[{}]}",
                                  JsonText(title_), Joined(parts_, ",\n"));
  return std::string(kPageHead) + WithoutMarkup(json) + kPageTail;
}

Status HtmlReport::Write(const std::string& path) const {
  const std::string text = Text();
  BRAID_ASSIGN(OutputFile file, OutputFile::Create(path));
  BRAID_TRY(file.Write(std::as_bytes(std::span(text))));
  return file.Commit();
}

}  // namespace braid::cli
