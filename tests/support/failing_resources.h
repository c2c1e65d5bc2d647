// Makes the n-th allocation, mapping or thread start of the program fail.
//
// A program that has failing_resources.cc among its sources, and is linked as
// braid_failing_resources says (tests/consistency/CMakeLists.txt), passes a
// point with every operator new, aligned_alloc, mmap and start of a
// std::thread. Sanitizers still see every allocation.
#ifndef BRAID_TESTS_SUPPORT_FAILING_RESOURCES_H_
#define BRAID_TESTS_SUPPORT_FAILING_RESOURCES_H_

#include <atomic>
#include <cstdint>

namespace braid {

// What fails: one point, or all from it on.
enum class Failing { kOnce, kFromThenOn };

// Points of the program, counted while one of these is alive; those of all
// threads. At most one at a time.
class FailingResources {
 public:
  // The first point has number 1; 0: none fails.
  FailingResources(int64_t point, Failing failing) {
    failing_point_ = point;
    failing_ = failing;
    passed_ = 0;
    armed_ = true;
  }
  ~FailingResources() { armed_ = false; }
  FailingResources(const FailingResources&) = delete;
  FailingResources& operator=(const FailingResources&) = delete;

  int64_t passed() const { return passed_; }
  // Has a point failed?
  bool failed() const {
    return failing_point_ > 0 && passed_ >= failing_point_;
  }

  // Does the point that the program passes now fail?
  static bool Fails() {
    if (!armed_) return false;
    const int64_t point = ++passed_;
    return failing_point_ > 0 &&
           (failing_ == Failing::kOnce ? point == failing_point_
                                       : point >= failing_point_);
  }

 private:
  static inline std::atomic<bool> armed_{false};
  static inline std::atomic<int64_t> passed_{0};
  static inline int64_t failing_point_ = 0;
  static inline Failing failing_ = Failing::kOnce;
};

}  // namespace braid

#endif  // BRAID_TESTS_SUPPORT_FAILING_RESOURCES_H_
