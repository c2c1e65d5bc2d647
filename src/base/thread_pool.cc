#include "base/thread_pool.h"

#include <immintrin.h>

#include "base/check.h"
#include "base/fp_guard.h"

namespace braid {

namespace {

// About 50 us: longer than the gap between two operations of a layer, shorter
// than what a person or a scheduler would notice.
constexpr int kSpins = 2000;

}  // namespace

ThreadPool::ThreadPool(int threads) {
  BRAID_CHECK(threads >= 1);
  workers_.reserve(threads - 1);
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { WorkerLoop(thread); });
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Run(int tasks, Work work) {
  if (workers_.empty() || tasks <= 1) {
    for (int task = 0; task < tasks; ++task) work(task, 0);
    return;
  }
  work_ = &work;
  tasks_ = tasks;
  next_task_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  TakeTasks(work, 0);
  int left = busy_.load(std::memory_order_acquire);
  for (int spin = 0; left != 0; ++spin) {
    if (spin < kSpins) {
      _mm_pause();
    } else {
      busy_.wait(left, std::memory_order_acquire);
    }
    left = busy_.load(std::memory_order_acquire);
  }
}

void ThreadPool::TakeTasks(const Work& work, int thread) {
  for (;;) {
    const int task = next_task_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_) return;
    work(task, thread);
  }
}

void ThreadPool::WorkerLoop(int thread) {
  const FloatGuard guard;
  uint32_t seen = 0;
  for (;;) {
    for (int spin = 0;
         spin < kSpins && generation_.load(std::memory_order_acquire) == seen;
         ++spin) {
      _mm_pause();
    }
    generation_.wait(seen, std::memory_order_acquire);
    ++seen;
    if (stop_.load(std::memory_order_relaxed)) return;
    TakeTasks(*work_, thread);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

}  // namespace braid
