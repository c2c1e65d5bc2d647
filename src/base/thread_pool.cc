#include "base/thread_pool.h"

#include <immintrin.h>

#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/fp_guard.h"

namespace braid {

namespace {

// About 50 us: longer than the gap between two operations of a layer, shorter
// than what a person or a scheduler would notice.
constexpr int kSpins = 2000;

}  // namespace

ThreadPool::ThreadPool(int threads, Tasks tasks)
    : threads_(threads), skips_(tasks == Tasks::kSkipped) {
  BRAID_CHECK(threads >= 1);
  if (skips_) return;
  workers_.reserve(threads - 1);
  try {
    Start();
  } catch (...) {
    Stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Start() {
  for (int thread = 1; thread < threads_; ++thread) {
    try {
      workers_.emplace_back([this, thread] { WorkerLoop(thread); });
    } catch (const std::system_error& failure) {
      throw std::system_error(
          failure.code(),
          Format("{} of {} threads could be started", thread, threads_));
    }
  }
}

void ThreadPool::Stop() {
  stop_.store(true, std::memory_order_relaxed);
  job_.fetch_add(1);
  job_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Run(int tasks, Work work) {
  if (skips_) return;
  if (workers_.empty() || tasks <= 1) {
    for (int task = 0; task < tasks; ++task) work(task, 0);
    return;
  }
  work_ = &work;
  tasks_ = tasks;
  next_task_.store(0, std::memory_order_relaxed);
  job_.fetch_add(1);  // opens
  job_.notify_all();
  TakeTasks(work, 0);
  // Closing first means that a worker which was too late, or which the system
  // has not scheduled, is not waited for. Sequential consistency makes sure
  // that it sees the closed job or is seen as active.
  job_.fetch_add(1);
  int active = active_.load();
  for (int spin = 0; active != 0; ++spin) {
    if (spin < kSpins) {
      _mm_pause();
    } else {
      active_.wait(active);
    }
    active = active_.load();
  }
  if (!failed_.load(std::memory_order_relaxed)) return;
  failed_.store(false, std::memory_order_relaxed);
  std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::TakeTasks(const Work& work, int thread) try {
  for (;;) {
    const int task = next_task_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_) return;
    work(task, thread);
  }
} catch (...) {
  if (!failed_.exchange(true)) failure_ = std::current_exception();
  // Nothing more is handed out.
  next_task_.store(tasks_, std::memory_order_relaxed);
}

uint32_t ThreadPool::AwaitJob(uint32_t seen) const {
  for (int spin = 0;; ++spin) {
    const uint32_t job = job_.load();
    const bool open = job % 2 == 1;
    if ((open && job != seen) || stop_.load(std::memory_order_relaxed)) {
      return job;
    }
    if (spin < kSpins) {
      _mm_pause();
    } else {
      job_.wait(job);
    }
  }
}

void ThreadPool::WorkerLoop(int thread) {
  const FloatGuard guard;
  uint32_t job = 0;
  for (;;) {
    job = AwaitJob(job);
    if (stop_.load(std::memory_order_relaxed)) return;
    active_.fetch_add(1);
    if (job_.load() == job) TakeTasks(*work_, thread);
    if (active_.fetch_sub(1) == 1) active_.notify_one();
  }
}

}  // namespace braid
