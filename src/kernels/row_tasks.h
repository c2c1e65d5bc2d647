// How a kernel's rows and columns become tasks: large enough to be worth
// handing to another thread (about a microsecond), small enough to balance.
// Every output belongs to one task, so the cut never shows in a result.
#ifndef BRAID_SRC_KERNELS_ROW_TASKS_H_
#define BRAID_SRC_KERNELS_ROW_TASKS_H_

#include <algorithm>
#include <cstdint>

#include "base/thread_pool.h"

namespace braid {

// Elements of a plain element function that are worth a task.
inline constexpr int64_t kTaskElements = 8192;

// Calls body(begin, end) for blocks of rows that cover [0, rows).
template <class Body>
void ForRowBlocks(int64_t rows, int64_t width, ThreadPool& threads,
                  const Body& body) {
  const int64_t block = std::max<int64_t>(1, kTaskElements / (width + 1));
  const int64_t tasks = (rows + block - 1) / block;
  threads.Run(static_cast<int>(tasks), [&](int task, int) {
    const int64_t begin = task * block;
    body(begin, std::min(rows, begin + block));
  });
}

// The same for operators that walk runs through time and whose lanes are
// columns: body(first_run, last_run, first_group, last_group), a group being
// 16 columns. `row_cost` is the work of one group in one row, in elements.
template <class Body>
void ForRunBlocks(int64_t runs, int64_t rows, int64_t groups, int64_t row_cost,
                  ThreadPool& threads, const Body& body) {
  // Long runs are cut by columns, never by time; short ones are put together.
  const int64_t run_cost = std::max<int64_t>(1, rows / runs) * row_cost;
  const int64_t groups_at_least =
      std::max<int64_t>(1, kTaskElements / run_cost);
  const int64_t groups_per_task = std::min(
      groups, std::max(groups_at_least, groups / (4 * threads.threads())));
  const int64_t runs_per_task =
      std::min(runs, std::max<int64_t>(1, kTaskElements / (run_cost * groups)));
  const int64_t column_tasks = (groups + groups_per_task - 1) / groups_per_task;
  const int64_t run_tasks = (runs + runs_per_task - 1) / runs_per_task;
  threads.Run(static_cast<int>(column_tasks * run_tasks), [&](int task, int) {
    const int64_t run = task / column_tasks * runs_per_task;
    const int64_t group = task % column_tasks * groups_per_task;
    body(run, std::min(runs, run + runs_per_task), group,
         std::min(groups, group + groups_per_task));
  });
}

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_ROW_TASKS_H_
