// MemoryContents: what the layers of a model do with a HybridMemory, made of
// numbers instead of floats, so that every wrong byte shows.
//
// A layer keeps a number for every token in its pages and in the log, another
// one in each. A recurrent state is one number, in every float of a cell; the
// next state is a hash of it and of what the log says of the token. So a state
// can be computed from a cell and tokens, or rebuilt from a cell and the log,
// and no two histories have the same.
//
// Functions that compare return the first disagreement as a sentence.
#ifndef BRAID_TESTS_SUPPORT_MEMORY_CONTENTS_H_
#define BRAID_TESTS_SUPPORT_MEMORY_CONTENTS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/random.h"
#include "base/try.h"
#include "memory/hybrid_memory.h"

namespace braid {

inline Status ExpectEqual(const std::string& what, int64_t found,
                          int64_t expected) {
  if (found == expected) return {};
  return Error{Format("{}: {}, expected {}", what, found, expected)};
}

class MemoryContents {
 public:
  explicit MemoryContents(HybridMemory& memory) : memory_(memory) {}

  // Run `i` of a ubatch that has begun, whose rows are `tokens`: reads states
  // through the view and writes states, pages and log.
  void Forward(const UBatchView& view, size_t i,
               std::span<const uint32_t> tokens) {
    const Run& run = view.runs[i];
    for (int layer = 0; layer < layers(); ++layer) {
      const LayerSpec& spec = SpecOf(layer);
      if (spec.attention()) {
        const auto set = static_cast<size_t>(memory_.GroupOf(layer));
        for (int32_t j = 0; j < run.length; ++j) {
          WriteKeys(layer, view.tables[set][i], run.first_position + j,
                    tokens[j]);
        }
      }
      if (!spec.recurrent()) continue;
      std::vector<uint32_t> logged;
      for (const uint32_t token : tokens) logged.push_back(Log(layer, token));
      Advance(layer, run, logged);
      if (view.log.empty()) continue;
      for (int32_t j = 0; j < run.length; ++j) {
        const Position position = run.first_position + j;
        if (view.log[i].pages[position / kLogPositions] == kNoPage) continue;
        WriteAll(LogOf(layer, view.log[i], position), spec.log_floats,
                 logged[j]);
      }
    }
  }

  // Rebuilds the state behind the run out of the log.
  void Replay(const Run& run, const PageTable& log) {
    for (int layer = 0; layer < layers(); ++layer) {
      if (!SpecOf(layer).recurrent()) continue;
      std::vector<uint32_t> logged;
      for (int32_t j = 0; j < run.length; ++j) {
        logged.push_back(Read(LogOf(layer, log, run.first_position + j)));
      }
      Advance(layer, run, logged);
    }
  }

  // Has the cell the state after all of `tokens`?
  Status CheckCell(int32_t cell, std::span<const uint32_t> tokens) {
    for (int layer = 0; layer < layers(); ++layer) {
      const LayerSpec& spec = SpecOf(layer);
      if (!spec.recurrent()) continue;
      uint32_t state = Fresh(layer);
      for (const uint32_t token : tokens) {
        state = Next(state, Log(layer, token));
      }
      const std::string what = Format("layer {}, cell {}", layer, cell);
      BRAID_TRY(CheckAll(what, memory_.ConvState(layer, cell), spec.conv_floats,
                         state));
      BRAID_TRY(CheckAll(what, memory_.ScanState(layer, cell),
                         spec.state_floats, state));
    }
    return {};
  }

  // Has the table what page set `set` keeps of tokens [first, end)?
  Status CheckTable(size_t set, const PageTable& table, Position first,
                    std::span<const uint32_t> tokens) {
    for (int layer = 0; layer < layers(); ++layer) {
      for (size_t p = static_cast<size_t>(first); p < tokens.size(); ++p) {
        BRAID_TRY(CheckPosition(set, layer, table, static_cast<Position>(p),
                                tokens[p]));
      }
    }
    return {};
  }

 private:
  int layers() const { return static_cast<int>(memory_.spec().layers.size()); }
  const LayerSpec& SpecOf(int layer) const {
    return memory_.spec().layers[layer];
  }

  // Layers must not mix, nor what they keep for different ends.
  static uint32_t Mix(uint32_t value, uint64_t purpose, int layer) {
    return static_cast<uint32_t>(
        RandomBits(value, purpose, static_cast<uint64_t>(layer)));
  }
  static uint32_t Fresh(int layer) { return Mix(0, 1, layer); }
  static uint32_t Keys(int layer, uint32_t token) {
    return Mix(token, 2, layer);
  }
  static uint32_t Log(int layer, uint32_t token) {
    return Mix(token, 3, layer);
  }
  static uint32_t Next(uint32_t state, uint32_t logged) {
    return static_cast<uint32_t>(RandomBits(state, 4, logged));
  }

  static uint32_t Read(const void* data) {
    uint32_t value;
    std::memcpy(&value, data, sizeof(value));
    return value;
  }
  static void WriteAll(float* data, size_t floats, uint32_t value) {
    for (size_t i = 0; i < floats; ++i) {
      std::memcpy(data + i, &value, sizeof(value));
    }
  }
  // First and last, so that a wrong stride shows.
  static Status CheckAll(const std::string& what, const float* data,
                         size_t floats, uint32_t value) {
    if (floats == 0) return {};
    BRAID_TRY(ExpectEqual(what, Read(data), value));
    return ExpectEqual(what, Read(data + floats - 1), value);
  }

  // The state behind the run, and those on the way that are asked for.
  void Advance(int layer, const Run& run, std::span<const uint32_t> logged) {
    const LayerSpec& spec = SpecOf(layer);
    uint32_t state = Fresh(layer);
    if (run.source != kNoCell) {
      state = Read(spec.conv_floats > 0 ? memory_.ConvState(layer, run.source)
                                        : memory_.ScanState(layer, run.source));
    }
    auto snapshot = run.snapshots.begin();
    for (int32_t j = 0; j < run.length; ++j) {
      if (snapshot != run.snapshots.end() && snapshot->offset == j) {
        WriteCell(layer, snapshot->cell, state);
        ++snapshot;
      }
      state = Next(state, logged[j]);
    }
    WriteCell(layer, run.destination, state);
  }
  void WriteCell(int layer, int32_t cell, uint32_t state) {
    const LayerSpec& spec = SpecOf(layer);
    WriteAll(memory_.ConvState(layer, cell), spec.conv_floats, state);
    WriteAll(memory_.ScanState(layer, cell), spec.state_floats, state);
  }

  // First and last word of what a layer keeps of a position.
  std::byte* KeysOf(int layer, const PageTable& table, Position position) {
    return memory_.PageBase(layer) +
           static_cast<size_t>(table.pages[position / kPagePositions]) *
               memory_.PageStride(layer) +
           static_cast<size_t>(position % kPagePositions) * KeyBytes(layer);
  }
  size_t KeyBytes(int layer) const {
    return SpecOf(layer).page.page_bytes / kPagePositions;
  }
  void WriteKeys(int layer, const PageTable& table, Position position,
                 uint32_t token) {
    const uint32_t value = Keys(layer, token);
    std::byte* to = KeysOf(layer, table, position);
    std::memcpy(to, &value, sizeof(value));
    std::memcpy(to + KeyBytes(layer) - sizeof(value), &value, sizeof(value));
  }
  float* LogOf(int layer, const PageTable& table, Position position) {
    return memory_.LogPage(layer, table.pages[position / kLogPositions]) +
           static_cast<size_t>(position % kLogPositions) *
               memory_.LogFloats(layer);
  }

  Status CheckPosition(size_t set, int layer, const PageTable& table,
                       Position position, uint32_t token) {
    const LayerSpec& spec = SpecOf(layer);
    const bool is_log = set == memory_.groups().size();
    const bool member = is_log
                            ? spec.recurrent()
                            : memory_.GroupOf(layer) == static_cast<int>(set);
    if (!member) return {};
    const int per_page = is_log ? kLogPositions : kPagePositions;
    const std::string what =
        Format("page set {}, layer {}, position {}", set, layer, position);
    if (table.pages[position / per_page] == kNoPage) {
      return Error{what + " is kept nowhere"};
    }
    if (is_log) {
      return CheckAll(what, LogOf(layer, table, position), spec.log_floats,
                      Log(layer, token));
    }
    const std::byte* from = KeysOf(layer, table, position);
    const uint32_t value = Keys(layer, token);
    BRAID_TRY(ExpectEqual(what, Read(from), value));
    return ExpectEqual(what, Read(from + KeyBytes(layer) - sizeof(value)),
                       value);
  }

  HybridMemory& memory_;
};

}  // namespace braid

#endif  // BRAID_TESTS_SUPPORT_MEMORY_CONTENTS_H_
