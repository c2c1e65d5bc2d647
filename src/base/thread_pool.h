// ThreadPool: runs the parts of one operation on a fixed set of threads.
//
// One operation takes tens of microseconds, so workers spin for a moment
// before they park. Tasks are handed out dynamically; which thread runs which
// task never shows in a result, because a task owns its outputs (threads
// split outputs, never sums: docs/consistency.md).
//
// A task that throws ends the operation: what has not begun is left out, and
// Run throws the exception (of several, one) when nothing runs any more.
#ifndef BRAID_SRC_BASE_THREAD_POOL_H_
#define BRAID_SRC_BASE_THREAD_POOL_H_

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace braid {

class ThreadPool {
 public:
  // kSkipped: a pool that starts no threads and does no work, to see what a
  // computation of so many threads takes without computing it.
  enum class Tasks { kRun, kSkipped };

  // `threads` >= 1 counts the calling thread: ThreadPool(1) starts none. Throws
  // std::system_error, which says how many could be started, and starts none
  // then.
  explicit ThreadPool(int threads, Tasks tasks = Tasks::kRun);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Calls work(task, thread) once for every task in [0, tasks) and returns
  // when all are done; `thread` in [0, threads()) names the executing thread,
  // for per-thread scratch. One Run at a time, from one thread at a time, not
  // from inside a task.
  void Run(int tasks, FunctionRef<void(int task, int thread)> work);

 private:
  using Work = FunctionRef<void(int task, int thread)>;

  void Start();
  void Stop();
  void WorkerLoop(int thread);
  // Returns when a job other than `seen` is open, or the pool stops.
  uint32_t AwaitJob(uint32_t seen) const;
  // Keeps what a task throws in failure_.
  void TakeTasks(const Work& work, int thread);

  int threads_;
  bool skips_;
  std::vector<std::thread> workers_;
  // The work of the open job. Written while no worker is active.
  const Work* work_ = nullptr;
  int tasks_ = 0;
  std::atomic<int> next_task_{0};
  // Odd while a job is open, even while none is; grows by one at each change.
  std::atomic<uint32_t> job_{0};
  // Workers that may be looking at the open job.
  std::atomic<int> active_{0};
  std::atomic<bool> stop_{false};
  // A task of the open job has thrown; whoever sets it writes failure_.
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_THREAD_POOL_H_
