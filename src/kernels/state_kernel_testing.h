// What the tests of kernels with a state share: several sequences back to back,
// fresh and continued ones, whole and cut.
#ifndef BRAID_SRC_KERNELS_STATE_KERNEL_TESTING_H_
#define BRAID_SRC_KERNELS_STATE_KERNEL_TESTING_H_

#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/conv.h"
#include "kernels/kernel_testing.h"

namespace braid {

class StateKernelTest : public KernelTest {
 protected:
  struct Result {
    TestRows y;
    std::vector<std::vector<float>> states = {};  // [sequences]
  };

  // Sequences of `lengths` rows; `name` is for messages.
  void SetLengths(std::vector<int> lengths, std::string name) {
    lengths_ = std::move(lengths);
    rows_ = std::accumulate(lengths_.begin(), lengths_.end(), 0);
    name_ = std::move(name);
  }

  // `make` makes the state that a sequence starts with.
  template <class Make>
  void SetStates(const Make& make) {
    initial_.clear();
    for (size_t i = 0; i < lengths_.size(); ++i) initial_.push_back(make());
  }

  // Every second sequence is fresh. States go to `result`, from where they were
  // or, with `in_place`, in the same memory.
  std::vector<StateRun> Runs(bool in_place, Result& result) const {
    std::vector<StateRun> runs;
    result.states = initial_;
    int begin = 0;
    for (size_t i = 0; i < lengths_.size(); ++i) {
      StateRun run;
      run.begin = begin;
      run.length = lengths_[i];
      if (i % 2 == 0) {
        run.source = in_place ? result.states[i].data() : initial_[i].data();
      }
      run.destination = result.states[i].data();
      runs.push_back(run);
      begin += run.length;
    }
    return runs;
  }

  void ExpectSame(const Result& got, const Result& expected) {
    EXPECT_TRUE(got.y.GapsAreWhole());
    EXPECT_EQ(CountDifferences(got.y.view(), expected.y.view()), 0);
    for (size_t i = 0; i < expected.states.size(); ++i) {
      EXPECT_EQ(CountDifferences(got.states[i], expected.states[i]), 0)
          << "state " << i;
    }
    ASSERT_FALSE(HasFailure()) << name_;
  }

  // Walks every run in pieces of random lengths. walk(runs, y, pool) is the
  // kernel.
  template <class Walk>
  void ExpectCutsDoNotShow(const Result& expected, const Walk& walk) {
    ForTargetsAndThreads([&](ThreadPool& pool) {
      for (const int longest : {1, 3, 40}) {
        Result result{TestRows(rows_, expected.y.view().width)};
        for (StateRun part : Runs(true, result)) {
          for (const int length : RandomCuts(part.length, longest)) {
            part.length = length;
            walk(std::span<const StateRun>(&part, 1), result.y.view(), pool);
            part.begin += length;
            part.source = part.destination;
          }
        }
        ExpectSame(result, expected);
      }
    });
  }

  int rows_ = 0;

 private:
  std::vector<int> lengths_;
  std::vector<std::vector<float>> initial_;
  std::string name_;
};

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_STATE_KERNEL_TESTING_H_
