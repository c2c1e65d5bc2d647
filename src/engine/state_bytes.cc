#include "engine/state_bytes.h"

#include <algorithm>
#include <set>

namespace braid {

namespace {

void AddPart(PageSet& set, int layer, const PageLayout::Part& layout) {
  if (layout.outer * layout.bytes == 0) return;
  set.parts.push_back({layer, layout});
  set.position_bytes += layout.outer * layout.bytes;
}

void AddLayout(PageSet& set, int layer, const PageLayout& page) {
  AddPart(set, layer, page.keys);
  AddPart(set, layer, page.values);
}

bool IsLog(const HybridMemory& memory, size_t set) {
  return set == memory.groups().size();
}

}  // namespace

std::vector<PageSet> PageSetsOf(const MemorySpec& spec) {
  std::set<int> windows;
  for (const LayerSpec& layer : spec.layers) {
    if (layer.attention()) windows.insert(layer.window);
  }
  std::vector<PageSet> sets;
  for (const int window : windows) {
    PageSet set{.window = window};
    for (size_t i = 0; i < spec.layers.size(); ++i) {
      const LayerSpec& layer = spec.layers[i];
      if (!layer.attention() || layer.window != window) continue;
      AddLayout(set, static_cast<int>(i), layer.page);
    }
    sets.push_back(std::move(set));
  }
  PageSet log{.positions = kLogPositions, .log = true};
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const size_t bytes = spec.layers[i].log_floats * sizeof(float);
    AddPart(log, static_cast<int>(i), {.outer = 1, .bytes = bytes});
  }
  if (!log.parts.empty()) sets.push_back(std::move(log));
  return sets;
}

PageSet TextPagesOf(const MemorySpec& spec) {
  PageSet set;
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    AddLayout(set, static_cast<int>(i), spec.layers[i].cross_page);
  }
  return set;
}

size_t CellFloats(const MemorySpec& spec) {
  size_t floats = 0;
  for (const LayerSpec& layer : spec.layers) {
    floats += layer.conv_floats + layer.state_floats;
  }
  return floats;
}

std::vector<std::vector<int32_t>> PositionsOfPages(
    const SavedState& state, const std::vector<PageSet>& sets) {
  std::vector<std::vector<int32_t>> positions(sets.size());
  for (size_t s = 0; s < sets.size(); ++s) {
    positions[s].assign(static_cast<size_t>(state.pages[s]), 0);
    for (const SavedSequence& sequence : state.sequences) {
      Position begin = sequence.pages[s].first;
      for (const int32_t page : sequence.pages[s].pages) {
        const Position held =
            std::min(sets[s].positions, sequence.length() - begin);
        positions[s][page] = std::max(positions[s][page], held);
        begin += sets[s].positions;
      }
    }
  }
  return positions;
}

std::vector<int32_t> PositionsOfText(const PageSet& set, size_t tokens) {
  std::vector<int32_t> positions;
  for (size_t begin = 0; begin < tokens;
       begin += static_cast<size_t>(set.positions)) {
    positions.push_back(static_cast<int32_t>(
        std::min(static_cast<size_t>(set.positions), tokens - begin)));
  }
  return positions;
}

void VisitCell(archive::Visitor& visitor, HybridMemory& memory, int32_t cell) {
  const auto& layers = memory.spec().layers;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].recurrent()) continue;
    const int layer = static_cast<int>(i);
    visitor.Raw("convolution window",
                std::as_writable_bytes(std::span(memory.ConvState(layer, cell),
                                                 layers[i].conv_floats)));
    visitor.Raw("state",
                std::as_writable_bytes(std::span(memory.ScanState(layer, cell),
                                                 layers[i].state_floats)));
  }
}

std::byte* PageOf(HybridMemory& memory, size_t set, int layer, int32_t page) {
  if (IsLog(memory, set)) {
    return reinterpret_cast<std::byte*>(memory.LogPage(layer, page));
  }
  return memory.PageBase(layer) +
         static_cast<size_t>(page) * memory.PageStride(layer);
}

std::byte* TextPageOf(HybridMemory& memory, int layer, int32_t page) {
  return memory.cross().PageBase(layer) +
         static_cast<size_t>(page) * memory.cross().PageStride(layer);
}

}  // namespace braid
