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

std::vector<std::vector<PageRange>> RangesOfPages(
    const SavedState& state, const std::vector<PageSet>& sets) {
  std::vector<std::vector<PageRange>> ranges(sets.size());
  for (size_t s = 0; s < sets.size(); ++s) {
    const int positions = sets[s].positions;
    ranges[s].resize(static_cast<size_t>(state.pages[s]));
    for (const SavedSequence& sequence : state.sequences) {
      const Position first = sequence.pages[s].first;
      Position page_begin = first - first % positions;
      for (const int32_t page : sequence.pages[s].pages) {
        PageRange& range = ranges[s][page];
        const int32_t begin = std::max(first - page_begin, 0);
        range.begin = range.end == 0 ? begin : std::min(range.begin, begin);
        range.end = std::max(
            range.end, std::min(positions, sequence.length() - page_begin));
        page_begin += positions;
      }
    }
  }
  return ranges;
}

std::vector<PageRange> RangesOfText(const PageSet& set, size_t tokens) {
  const auto positions = static_cast<size_t>(set.positions);
  std::vector<PageRange> ranges;
  for (size_t begin = 0; begin < tokens; begin += positions) {
    const size_t count = std::min(positions, tokens - begin);
    ranges.push_back({.begin = 0, .end = static_cast<int32_t>(count)});
  }
  return ranges;
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
