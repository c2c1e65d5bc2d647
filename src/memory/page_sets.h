// The page sets of a model: which layers keep what by position, and how much.
#ifndef BRAID_SRC_MEMORY_PAGE_SETS_H_
#define BRAID_SRC_MEMORY_PAGE_SETS_H_

#include <vector>

#include "memory/kv_pages.h"
#include "memory/spec.h"

namespace braid {

// The windows of the attention layers, each once: 0 (everything) first.
std::vector<int> WindowsOf(const MemorySpec& spec);

// What KvPages of a set is made by.
struct PageSetSpec {
  PageGroupSpec pages;
  MemoryLimits limits;
};

// The attention layers with this window.
PageSetSpec AttentionPages(const MemorySpec& spec, int window,
                           const MemoryLimits& limits);
// The replay log; no layer has bytes there if nothing is logged.
PageSetSpec LogPages(const MemorySpec& spec, const MemoryLimits& limits);

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_PAGE_SETS_H_
