#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace braid {
namespace {

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (int tasks : {0, 1, 2, 5, 100}) {
      std::vector<std::atomic<int>> count(tasks);
      pool.Run(tasks, [&](int task, int thread) {
        EXPECT_LT(thread, threads);
        ++count[task];
      });
      for (const auto& c : count) EXPECT_EQ(c, 1);
    }
  }
}

TEST(ThreadPool, ManyShortRunsSeeEachOthersWrites) {
  ThreadPool pool(3);
  std::vector<int> values(16, 0);
  for (int round = 0; round < 20000; ++round) {
    pool.Run(16, [&](int task, int) { ++values[task]; });
  }
  for (int value : values) EXPECT_EQ(value, 20000);
}

TEST(ThreadPool, RunThrowsWhatATaskThrowsAndGoesOn) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      EXPECT_THROW(pool.Run(40,
                            [&](int task, int) {
                              if (task % 7 == round % 7) {
                                throw std::length_error("a task");
                              }
                            }),
                   std::length_error);
      std::vector<std::atomic<int>> count(16);
      pool.Run(16, [&](int task, int) { ++count[task]; });
      for (const auto& c : count) EXPECT_EQ(c, 1);
    }
  }
}

TEST(ThreadPool, SkipsAllTasksButHasItsThreads) {
  ThreadPool pool(5, ThreadPool::Tasks::kSkipped);
  EXPECT_EQ(pool.threads(), 5);
  pool.Run(1, [](int, int) { ADD_FAILURE() << "a task has run"; });
  pool.Run(9, [](int, int) { ADD_FAILURE() << "a task has run"; });
}

}  // namespace
}  // namespace braid
