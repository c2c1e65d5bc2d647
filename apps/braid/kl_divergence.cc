#include "apps/braid/kl_divergence.h"

#include <algorithm>
#include <cmath>

#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

namespace {

size_t LargestOf(std::span<const float> values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) -
                             values.begin());
}

std::string Column(double value, int digits, size_t width) {
  std::string text = Fixed(value, digits);
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

std::string WithError(double value, double error, int digits, size_t width) {
  return Format("{} ± {}", Column(value, digits, width),
                Column(error, digits, width));
}

// The value that a share of the sorted values lies below, between two
// neighbours in proportion.
double Quantile(const std::vector<float>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const size_t low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  const double part = at - static_cast<double>(low);
  return (1 - part) * sorted[low] + part * sorted[high];
}

std::string Quantiles(std::vector<float> values, const char* name, double scale,
                      const char* unit, int digits) {
  constexpr struct {
    const char* label;
    double share;
  } kShown[] = {{"Maximum", 1.0},   {"99.9%  ", 0.999}, {"99.0%  ", 0.99},
                {"95.0%  ", 0.95},  {"90.0%  ", 0.9},   {"Median ", 0.5},
                {"10.0%  ", 0.1},   {" 5.0%  ", 0.05},  {" 1.0%  ", 0.01},
                {" 0.1%  ", 0.001}, {"Minimum", 0.0}};
  std::sort(values.begin(), values.end());
  std::string lines;
  for (const auto& [label, share] : kShown) {
    lines += Format("{} {}: {}{}\n", label, name,
                    Column(scale * Quantile(values, share), digits, 10), unit);
  }
  return lines;
}

}  // namespace

void KlDivergence::Add(std::span<const float> logits,
                       std::span<const float> base, TokenId token) {
  const size_t top = LargestOf(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - logits[top]);
  const double offset = logits[top] + std::log(sum);
  double divergence = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    divergence += std::exp(double{base[i]}) * (base[i] - (logits[i] - offset));
  }
  const double loss = offset - logits[token];
  const double base_loss = -double{base[token]};
  const double change = std::exp(-loss) - std::exp(-base_loss);
  loss_.Add(loss);
  base_loss_.Add(base_loss);
  difference_.Add(loss - base_loss);
  divergence_.Add(divergence);
  change_.Add(change);
  squared_change_.Add(change * change);
  same_top_.Add(top == LargestOf(base) ? 1 : 0);
  divergences_.push_back(static_cast<float>(divergence));
  changes_.push_back(static_cast<float>(change));
}

std::string KlDivergence::Heading() {
  return "chunk             PPL               ln(PPL(Q)/PPL(base))          "
         "KL Divergence              Δp RMS            Same top p\n";
}

std::string KlDivergence::Line(int chunk) const {
  const double perplexity = std::exp(loss_.Mean());
  const double rms = std::sqrt(squared_change_.Mean());
  const double rms_error = rms > 0 ? squared_change_.Error() / (2 * rms) : 0;
  return Format(
      "{}       {}      {}      {}    {} %    {} %\n", Column(chunk, 0, 4),
      WithError(perplexity, perplexity * loss_.Error(), 4, 9),
      WithError(difference_.Mean(), difference_.Error(), 5, 10),
      WithError(divergence_.Mean(), divergence_.Error(), 5, 10),
      WithError(100 * rms, 100 * rms_error, 3, 6),
      WithError(100 * same_top_.Mean(), 100 * same_top_.Error(), 3, 6));
}

std::string KlDivergence::Summary() const {
  const double perplexity = std::exp(loss_.Mean());
  const double base = std::exp(base_loss_.Mean());
  const double error = perplexity * loss_.Error();
  const double base_error = base * base_loss_.Error();
  const double ratio = std::exp(difference_.Mean());
  // Var(a - b) = Var(a) + Var(b) - 2 Cov(a, b).
  const double covariance =
      (loss_.Error() * loss_.Error() + base_loss_.Error() * base_loss_.Error() -
       difference_.Error() * difference_.Error()) /
      2;
  const double errors = loss_.Error() * base_loss_.Error();
  const double correlation = errors > 0 ? covariance / errors : 1;
  const double gap_error =
      std::sqrt(std::max(0.0, error * error + base_error * base_error -
                                  2 * covariance * perplexity * base));
  const double rms = std::sqrt(squared_change_.Mean());
  const double rms_error = rms > 0 ? squared_change_.Error() / (2 * rms) : 0;
  std::string text = "\n====== Perplexity statistics ======\n";
  text += Format("Mean PPL(Q)                   : {}\n",
                 WithError(perplexity, error, 6, 10));
  text += Format("Mean PPL(base)                : {}\n",
                 WithError(base, base_error, 6, 10));
  text += Format("Cor(ln(PPL(Q)), ln(PPL(base))): {}%\n",
                 Column(100 * correlation, 2, 6));
  text += Format("Mean ln(PPL(Q)/PPL(base))     : {}\n",
                 WithError(difference_.Mean(), difference_.Error(), 6, 10));
  text += Format("Mean PPL(Q)/PPL(base)         : {}\n",
                 WithError(ratio, ratio * difference_.Error(), 6, 10));
  text += Format("Mean PPL(Q)-PPL(base)         : {}\n",
                 WithError(perplexity - base, gap_error, 6, 10));
  text += "\n====== KL divergence statistics ======\n";
  text += Format("Mean    KLD: {}\n",
                 WithError(divergence_.Mean(), divergence_.Error(), 6, 10));
  text += Quantiles(divergences_, "KLD", 1, "", 6);
  text += "\n====== Token probability statistics ======\n";
  text += Format("Mean    Δp: {} %\n",
                 WithError(100 * change_.Mean(), 100 * change_.Error(), 3, 6));
  text += Quantiles(changes_, "Δp", 100, "%", 3);
  text +=
      Format("RMS Δp    : {} %\n", WithError(100 * rms, 100 * rms_error, 3, 6));
  text +=
      Format("Same top p: {} %\n",
             WithError(100 * same_top_.Mean(), 100 * same_top_.Error(), 3, 6));
  return text;
}

}  // namespace braid::cli
