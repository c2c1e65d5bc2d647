// What the kernels' tests share: random rows with gaps between them, every
// vector target and thread count, and the comparison with twin and oracle.
#ifndef BRAID_SRC_KERNELS_KERNEL_TESTING_H_
#define BRAID_SRC_KERNELS_KERNEL_TESTING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/fp_guard.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "kernels/ref/oracle_value.h"
#include "kernels/targets.h"
#include "tensor/rows.h"

namespace braid {

// The bits agree, or both are NaN (whose payload is not defined).
inline bool SameBits(float a, float b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0 ||
         (std::isnan(a) && std::isnan(b));
}

// Owned rows that lie further apart than they are wide. What lies between them
// keeps its value as long as nobody writes there.
class TestRows {
 public:
  static constexpr float kGapValue = 7.0f;

  TestRows(int64_t rows, int64_t width, int64_t gap = 5)
      : rows_(rows),
        width_(width),
        stride_(width + gap),
        values_(static_cast<size_t>(rows * (width + gap)), kGapValue) {}
  static TestRows Uniform(int64_t rows, int64_t width, float low, float high,
                          Random& random) {
    TestRows made(rows, width);
    for (int64_t m = 0; m < rows; ++m) {
      for (int64_t i = 0; i < width; ++i) {
        made.view().row(m)[i] = random.Uniform(low, high);
      }
    }
    return made;
  }

  Rows view() { return {values_.data(), rows_, width_, stride_}; }
  ConstRows view() const { return {values_.data(), rows_, width_, stride_}; }
  // `count` rows from `begin` on.
  Rows Slice(int64_t begin, int64_t count) {
    return {values_.data() + begin * stride_, count, width_, stride_};
  }
  bool GapsAreWhole() const {
    for (size_t i = 0; i < values_.size(); ++i) {
      const int64_t column = static_cast<int64_t>(i) % stride_;
      if (column >= width_ && values_[i] != kGapValue) return false;
    }
    return true;
  }

 private:
  int64_t rows_;
  int64_t width_;
  int64_t stride_;
  std::vector<float> values_;
};

inline std::vector<float> UniformFloats(int64_t count, float low, float high,
                                        Random& random) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random.Uniform(low, high);
  return values;
}

// How many elements differ in bits.
inline int64_t CountDifferences(ConstRows a, ConstRows b) {
  int64_t differing = 0;
  for (int64_t m = 0; m < a.rows; ++m) {
    for (int64_t i = 0; i < a.width; ++i) {
      if (!SameBits(a.row(m)[i], b.row(m)[i])) ++differing;
    }
  }
  return differing;
}

inline int64_t CountDifferences(const std::vector<float>& a,
                                const std::vector<float>& b) {
  const int64_t width = static_cast<int64_t>(a.size());
  if (a.size() != b.size()) return width + 1;
  return CountDifferences({a.data(), 1, width, width},
                          {b.data(), 1, width, width});
}

// The largest error as a share of the tolerance: at most 1 is right. NaN where
// a value is.
inline double WorstError(ConstRows y, const std::vector<OracleValue>& oracle) {
  double worst = 0;
  size_t i = 0;
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t n = 0; n < y.width; ++n, ++i) {
      const double error = std::fabs(y.row(m)[n] - oracle[i].value);
      if (std::isnan(error)) return error;
      if (error > oracle[i].tolerance * worst) {
        worst = error / oracle[i].tolerance;
      }
    }
  }
  return worst;
}

// Holds the floating-point mode of the contract, and runs a check on every
// vector target of this machine with 1, 2 and 3 threads.
class KernelTest : public testing::Test {
 protected:
  void TearDown() override { UseVectorTarget(""); }

  template <class Check>
  void ForTargetsAndThreads(const Check& check) {
    for (const std::string& target : VectorTargets()) {
      UseVectorTarget(target);
      for (ThreadPool& pool : pools_) {
        SCOPED_TRACE(target + ", threads: " + std::to_string(pool.threads()));
        check(pool);
      }
    }
    UseVectorTarget("");
  }

  // Random lengths >= 1 that add up to `total`.
  std::vector<int> RandomCuts(int total, int longest) {
    std::vector<int> lengths;
    while (total > 0) {
      lengths.push_back(std::min(total, 1 + random_.Below(longest)));
      total -= lengths.back();
    }
    return lengths;
  }

  const FloatGuard guard_;
  Random random_{17};
  ThreadPool pools_[3] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
};

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_KERNEL_TESTING_H_
