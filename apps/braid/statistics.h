// Statistics of evaluations.
#ifndef BRAID_APPS_BRAID_STATISTICS_H_
#define BRAID_APPS_BRAID_STATISTICS_H_

#include <cstdint>

namespace braid::cli {

// Mean and spread of numbers, added in a given order.
class Sample {
 public:
  void Add(double value) {
    sum_ += value;
    squares_ += value * value;
    ++count_;
  }
  int64_t count() const { return count_; }
  double Mean() const { return sum_ / static_cast<double>(count_); }
  // The standard error of the mean; 0 of fewer than two numbers.
  double Error() const;

 private:
  double sum_ = 0;
  double squares_ = 0;
  int64_t count_ = 0;
};

// Of negative log-likelihoods: exp of their mean (Jelinek et al., "Perplexity:
// a measure of the difficulty of speech recognition tasks", 1977).
class Likelihood {
 public:
  void Add(double log_probability) { sample_.Add(-log_probability); }
  int64_t count() const { return sample_.count(); }
  double Mean() const { return sample_.Mean(); }
  double Perplexity() const;
  // The standard error of the mean, carried over to its exponential.
  double PerplexityError() const { return Perplexity() * sample_.Error(); }

 private:
  Sample sample_;
};

// Where a share lies of which `hits` of `tries` >= 1 were seen, with a
// probability of 95 % (Wilson, "Probable inference, the law of succession, and
// statistical inference", 1927).
struct Interval {
  double low = 0;
  double high = 0;
};
Interval WilsonInterval(int64_t hits, int64_t tries);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_STATISTICS_H_
