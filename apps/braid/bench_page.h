// The page of braid bench --report.
#ifndef BRAID_APPS_BRAID_BENCH_PAGE_H_
#define BRAID_APPS_BRAID_BENCH_PAGE_H_

#include <string>
#include <vector>

#include "apps/braid/bench_report.h"
#include "braid/result.h"

namespace braid::cli {

// Measures the machine's limits for every model and number of threads, half a
// second each, and writes the page. Error: `path` cannot be written.
Status WriteBenchPage(const std::vector<BenchResult>& results,
                      const std::string& path);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_BENCH_PAGE_H_
