// What commands say about a run on standard error.
#ifndef BRAID_APPS_BRAID_REPORT_H_
#define BRAID_APPS_BRAID_REPORT_H_

#include <string>

#include "apps/braid/scheduler.h"
#include "braid/engine.h"

namespace braid::cli {

// Load time, speeds of prompt and generation, and memory; a line each.
std::string RunReport(const Engine& engine, const SchedulerTimes& times,
                      double load_seconds);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_REPORT_H_
