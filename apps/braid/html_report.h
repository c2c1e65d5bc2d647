// HtmlReport: one page with charts that needs nothing but itself. Works from a
// file, without a network; light or dark as the reader's system is; on a phone.
//
// What is measured lies in the page as JSON, and the page's script draws it;
// text from outside (a model's name, a token) is never markup.
#ifndef BRAID_APPS_BRAID_HTML_REPORT_H_
#define BRAID_APPS_BRAID_HTML_REPORT_H_

#include <string>
#include <utility>
#include <vector>

#include "apps/braid/machine_limits.h"
#include "braid/result.h"

namespace braid::cli {

enum class HtmlLine {
  kMeasured,
  kLimit,  // drawn dashed: what could be reached at most
  kBand,   // an area around the measured line before it
};

struct HtmlSeries {
  std::string name;
  HtmlLine line = HtmlLine::kMeasured;
  std::vector<std::pair<double, double>> points = {};  // kBand: its outline
};

// Lines over a numeric axis that starts at the smallest x.
struct HtmlChart {
  std::string title;
  std::string x_name;
  std::string y_name;
  bool from_zero = true;     // the other axis
  bool logarithmic = false;  // x, which is positive; its values are the ticks
  std::vector<HtmlSeries> series = {};

  // Adds a point to the series of that name.
  void Add(const std::string& name, double x, double y);
  // The same of a limit; of several values for an x the largest counts.
  void AddLimit(const std::string& name, double x, double y);
  // y - by to y + by around a point of the series before it.
  void AddBand(const std::string& name, double x, double y, double by);

 private:
  HtmlSeries& Series(const std::string& name, HtmlLine line);
};

struct HtmlTable {
  std::string title;
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows = {};
};

struct TokenLoss {
  std::string text;        // bytes; a character may be cut between tokens
  double loss;             // negative log-likelihood, nats
  bool after_gap = false;  // text that is not shown stands before it
};

class HtmlReport {
 public:
  explicit HtmlReport(std::string title) : title_(std::move(title)) {}

  // Parts appear in the order in which they were added.
  void AddFacts(const std::string& title,
                const std::vector<std::pair<std::string, std::string>>& facts);
  // What the machine allows for a model of that name.
  void AddLimits(const std::string& name, const ModelInfo& info,
                 const MachineLimits& limits);
  // What the dashed lines of charts are.
  void AddLimitsNote();
  // A chart without points is left out.
  void AddChart(const HtmlChart& chart);
  void AddTable(const HtmlTable& table);
  // The text itself, each token coloured by its loss, which a pointer shows.
  // Tokens that share a character are shown as one, with the sum of their loss.
  void AddTokens(const std::vector<TokenLoss>& tokens);

  std::string Text() const;
  // Could a page be written there? To ask before hours are measured; no path,
  // no page.
  static Status CheckPath(const std::string& path);
  // Error: the file cannot be written.
  Status Write(const std::string& path) const;

 private:
  const std::string title_;
  std::vector<std::string> parts_;  // JSON
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_HTML_REPORT_H_
