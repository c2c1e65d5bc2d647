#include "memory/page_sets.h"

#include <algorithm>
#include <cstdint>
#include <set>

namespace braid {

namespace {

// A state is rebuilt for all layers or for none.
bool CanReplay(const MemorySpec& spec) {
  return std::all_of(spec.layers.begin(), spec.layers.end(),
                     [](const LayerSpec& layer) {
                       return !layer.recurrent() || layer.log_floats > 0;
                     });
}

}  // namespace

std::vector<int> WindowsOf(const MemorySpec& spec) {
  std::set<int> windows;
  for (const LayerSpec& layer : spec.layers) {
    if (layer.attention()) windows.insert(layer.window);
  }
  return {windows.begin(), windows.end()};
}

PageSetSpec AttentionPages(const MemorySpec& spec, int window,
                           const MemoryLimits& limits) {
  PageSetSpec set = {.pages = {}, .limits = limits};
  set.pages.pages_per_group = limits.page_positions / kPagePositions;
  for (const LayerSpec& layer : spec.layers) {
    const bool member = layer.attention() && layer.window == window;
    set.pages.page_bytes.push_back(member ? layer.page.page_bytes : 0);
  }
  return set;
}

PageSetSpec LogPages(const MemorySpec& spec, const MemoryLimits& limits) {
  PageSetSpec set = {.pages = {}, .limits = limits};
  set.pages.page_positions = kLogPositions;
  set.pages.unlimited_positions = true;
  const bool logged = limits.rollback > 0 && CanReplay(spec);
  for (const LayerSpec& layer : spec.layers) {
    set.pages.page_bytes.push_back(
        logged ? layer.log_floats * sizeof(float) * kLogPositions : 0);
  }
  // A sequence logs fewer than 2 k positions. A plan gives nothing back, and a
  // run takes at most a page more for each row.
  const int64_t pages_of_sequence =
      2 * int64_t{limits.rollback} / kLogPositions + 3;
  set.limits.kv_positions =
      kLogPositions * (int64_t{limits.max_batch} +
                       int64_t{limits.max_sequences} * pages_of_sequence);
  return set;
}

}  // namespace braid
