// MemoryOracle: a HybridMemory beside a model of it that is too simple to be
// wrong, and random programs that must not tell them apart.
//
// The model of a sequence is the list of its tokens, each a number that was
// never used before. The "forward pass" stores every token in its place in the
// pages, and in the cell a hash of the whole sequence so far; both are read
// back through the views and compared. Positions shared by forks are equal
// numbers, so what the limit counts is the number of different numbers.
//
// Shared by the unit test and the fuzz target. Every function returns the first
// disagreement as a sentence, or nothing.
#ifndef BRAID_TESTS_SUPPORT_MEMORY_ORACLE_H_
#define BRAID_TESTS_SUPPORT_MEMORY_ORACLE_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/function_ref.h"
#include "base/random.h"
#include "base/try.h"
#include "batch/splitter.h"
#include "batch/validate.h"
#include "memory/hybrid_memory.h"

namespace braid {

// A number in [0, bound), from a generator or from a fuzzer's bytes.
using Choose = FunctionRef<int(int bound)>;

// All that can be seen of a memory, as numbers; equal memories, equal dumps.
inline std::vector<int64_t> DumpOf(const HybridMemory& memory) {
  std::vector<int64_t> dump;
  const int sequences = static_cast<int>(memory.next_positions().size());
  const StateCells& cells = memory.cells();
  const KvPages& pages = memory.pages();
  for (SequenceId s = 0; s < sequences; ++s) {
    dump.push_back(memory.next_positions()[s]);
    dump.push_back(cells.CellOf(s));
    for (int32_t page : pages.TableOf(s).pages) dump.push_back(page);
    for (SequenceId t = 0; t < sequences && pages.present(); ++t) {
      dump.push_back(pages.Shared(s, t));
    }
  }
  for (int32_t c = 0; c < cells.cells(); ++c) dump.push_back(cells.Owners(c));
  for (int32_t p = 0; p < pages.pages(); ++p) dump.push_back(pages.Owners(p));
  dump.push_back(cells.cells_in_use());
  dump.push_back(pages.pages_in_use());
  dump.push_back(pages.positions_in_use());
  dump.push_back(static_cast<int64_t>(memory.used_bytes()));
  return dump;
}

class MemoryOracle {
 public:
  MemoryOracle(MemorySpec spec, MemoryLimits limits)
      : spec_(spec), limits_(limits), tokens_(limits.max_sequences) {
    auto memory = HybridMemory::Create(spec, limits);
    if (memory.ok()) memory_ = std::move(*memory);
    for (const LayerSpec& layer : spec.layers) {
      recurrent_ |= layer.recurrent();
      attention_ |= layer.attention();
    }
  }

  const HybridMemory& memory() const { return *memory_; }

  // One random operation, and a look at everything afterwards.
  Status Step(Choose choose) {
    const int kind = choose(16);
    if (kind < 10) {
      BRAID_TRY(Decode(choose));
    } else if (kind < 12) {
      BRAID_TRY(Fork(choose));
    } else if (kind < 15) {
      BRAID_TRY(Remove(choose));
    } else if (choose(4) == 0) {
      BRAID_TRY(Keep(choose));
    }
    return Verify();
  }

  // Removes all sequences: nothing may be left.
  Status Finish() {
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      BRAID_TRY(memory_->Remove(s, 0, -1));
      tokens_[s].clear();
    }
    BRAID_TRY(Verify());
    return Expect("bytes in use at the end",
                  static_cast<int64_t>(memory_->used_bytes()), 0);
  }

 private:
  static Status Expect(const std::string& what, int64_t found,
                       int64_t expected) {
    if (found == expected) return {};
    return Error{Format("{}: {}, expected {}", what, found, expected)};
  }

  static uint32_t Hash(uint32_t state, uint32_t token) {
    return static_cast<uint32_t>(RandomBits(state, 1, token));
  }
  // What layer `layer` stores of a token or a state: layers must not mix.
  static uint32_t Stored(uint32_t value, size_t layer) {
    return static_cast<uint32_t>(RandomBits(value, 2, layer));
  }
  static uint32_t StateOf(std::span<const uint32_t> tokens) {
    uint32_t state = 0;
    for (uint32_t token : tokens) state = Hash(state, token);
    return state;
  }
  int64_t DifferentTokens() const {
    std::set<uint32_t> tokens;
    for (const auto& list : tokens_) tokens.insert(list.begin(), list.end());
    return static_cast<int64_t>(tokens.size());
  }

  // First and last float of a state, so that a wrong stride shows.
  Status CheckCell(int32_t cell, std::span<const uint32_t> tokens) {
    for (size_t l = 0; l < spec_.layers.size(); ++l) {
      const auto check = [&](const float* data, size_t floats) -> Status {
        if (floats == 0) return {};
        for (size_t i : {size_t{0}, floats - 1}) {
          uint32_t found;
          std::memcpy(&found, data + i, sizeof(found));
          BRAID_TRY(Expect(Format("layer {}, cell {}", l, cell), found,
                           Stored(StateOf(tokens), l)));
        }
        return {};
      };
      const int layer = static_cast<int>(l);
      BRAID_TRY(
          check(memory_->ConvState(layer, cell), spec_.layers[l].conv_floats));
      BRAID_TRY(
          check(memory_->ScanState(layer, cell), spec_.layers[l].state_floats));
    }
    return {};
  }

  void WriteCell(int32_t cell, std::span<const uint32_t> tokens) {
    for (size_t l = 0; l < spec_.layers.size(); ++l) {
      const uint32_t stored = Stored(StateOf(tokens), l);
      const auto write = [&](float* data, size_t floats) {
        for (size_t i = 0; i < floats; ++i) {
          std::memcpy(data + i, &stored, sizeof(stored));
        }
      };
      const int layer = static_cast<int>(l);
      write(memory_->ConvState(layer, cell), spec_.layers[l].conv_floats);
      write(memory_->ScanState(layer, cell), spec_.layers[l].state_floats);
    }
  }

  std::byte* PositionData(size_t layer, const PageTable& table, size_t i) {
    const size_t bytes = spec_.layers[layer].page_bytes / kPagePositions;
    const int index = static_cast<int>(layer);
    return memory_->PageBase(index) +
           static_cast<size_t>(table.pages[i / kPagePositions]) *
               memory_->PageStride(index) +
           i % kPagePositions * bytes;
  }

  Status CheckPages(const PageTable& table, std::span<const uint32_t> tokens) {
    for (size_t l = 0; l < spec_.layers.size(); ++l) {
      if (!spec_.layers[l].attention()) continue;
      for (size_t i = 0; i < tokens.size(); ++i) {
        uint32_t found;
        std::memcpy(&found, PositionData(l, table, i), sizeof(found));
        BRAID_TRY(Expect(Format("layer {}, position {}", l, i), found,
                         Stored(tokens[i], l)));
      }
    }
    return {};
  }

  void WritePages(const PageTable& table, size_t position, uint32_t token) {
    for (size_t l = 0; l < spec_.layers.size(); ++l) {
      if (!spec_.layers[l].attention()) continue;
      const uint32_t stored = Stored(token, l);
      std::memcpy(PositionData(l, table, position), &stored, sizeof(stored));
    }
  }

  // What the layers of a model do with one run, checked on the way.
  Status Forward(const UBatch& ubatch, const UBatchView& view, size_t i) {
    const Run& run = view.runs[i];
    std::vector<uint32_t>& tokens = tokens_[ubatch.sequences[i]];
    BRAID_TRY(Expect("first position", run.first_position,
                     static_cast<int64_t>(tokens.size())));
    if (recurrent_ && tokens.empty()) {
      BRAID_TRY(Expect("source of a fresh sequence", run.source, kNoCell));
    } else if (recurrent_) {
      BRAID_TRY(CheckCell(run.source, tokens));
    }
    if (attention_) BRAID_TRY(CheckPages(view.tables[i], tokens));
    for (int j = 0; j < run.length; ++j) {
      tokens.push_back(static_cast<uint32_t>(ubatch.tokens[run.begin + j]));
      if (attention_) {
        WritePages(view.tables[i], tokens.size() - 1, tokens.back());
      }
    }
    if (recurrent_) WriteCell(run.destination, tokens);
    return {};
  }

  // Several tokens of several sequences, in any order.
  Batch MakeBatch(Choose choose) {
    Batch batch;
    std::vector<Position> next(memory_->next_positions().begin(),
                               memory_->next_positions().end());
    const int stretches = 1 + choose(6);
    for (int i = 0; i < stretches; ++i) {
      const SequenceId s = choose(limits_.max_sequences);
      const int length = 1 + choose(choose(2) == 0 ? 3 : 80);
      for (int j = 0; j < length; ++j) {
        batch.Add(next_token_++, next[s]++, s, Want::kNothing);
      }
    }
    return batch;
  }

  Status Decode(Choose choose) {
    const Batch batch = MakeBatch(choose);
    BatchScratch scratch;
    BRAID_TRY(ValidateBatch(batch,
                            {.max_tokens = batch.size(),
                             .vocabulary_size = next_token_,
                             .next_positions = memory_->next_positions()},
                            scratch));
    Splitter splitter(static_cast<SplitPolicy>(choose(3)), 1 + choose(100));
    BRAID_ASSIGN(const std::span<UBatch> ubatches, splitter.Split(batch));

    const std::vector<int64_t> before = DumpOf(*memory_);
    const bool fits =
        !attention_ || DifferentTokens() + batch.size() <= limits_.kv_positions;
    BRAID_TRY(Expect("plan succeeds", memory_->Plan(ubatches).ok(), fits));
    if (!fits) return ExpectUnchanged(before, "a failed plan");

    // Sometimes the caller gives up before ubatch `stop`, having begun it.
    const int count = static_cast<int>(ubatches.size());
    const int stop = choose(3) == 0 ? choose(count + 1) : count;
    for (int i = 0; i < stop; ++i) {
      const UBatchView view = memory_->Begin(i);
      // Layers may walk the runs in any order.
      const size_t runs = view.runs.size();
      const size_t shift = static_cast<size_t>(choose(static_cast<int>(runs)));
      for (size_t j = 0; j < runs; ++j) {
        BRAID_TRY(Forward(ubatches[i], view, (j + shift) % runs));
      }
      memory_->Commit(i);
      BRAID_TRY(VerifyContents());
    }
    if (stop == count) return {};
    if (choose(2) == 0) memory_->Begin(stop);
    if (choose(2) == 0) {
      memory_->Cancel();
    } else {
      BRAID_TRY(memory_->Plan({}));
    }
    if (stop > 0) return {};
    return ExpectUnchanged(before, "a cancelled plan");
  }

  Status ExpectUnchanged(const std::vector<int64_t>& before,
                         const std::string& what) const {
    if (DumpOf(*memory_) == before) return {};
    return Error{what + " has changed the memory"};
  }

  Status Fork(Choose choose) {
    const SequenceId from = choose(limits_.max_sequences);
    const SequenceId to = choose(limits_.max_sequences);
    const std::vector<int64_t> before = DumpOf(*memory_);
    const bool allowed = tokens_[to].empty();
    BRAID_TRY(Expect("fork succeeds", memory_->Fork(from, to).ok(), allowed));
    if (!allowed) return ExpectUnchanged(before, "a refused fork");
    tokens_[to] = tokens_[from];
    return {};
  }

  Status Remove(Choose choose) {
    const SequenceId s = choose(limits_.max_sequences);
    const int length = static_cast<int>(tokens_[s].size());
    const int begin = choose(2) == 0 ? 0 : choose(length + 2);
    const int end = choose(3) == 0 ? choose(length + 3) : -1;
    const int stop = end < 0 ? length : std::min(end, length);
    const bool nothing = begin >= stop;
    const bool allowed =
        nothing || (stop == length && (begin == 0 || !recurrent_));
    const std::vector<int64_t> before = DumpOf(*memory_);
    BRAID_TRY(
        Expect(Format("remove {} to {} of {} succeeds", begin, end, length),
               memory_->Remove(s, begin, end).ok(), allowed));
    if (!allowed || nothing) return ExpectUnchanged(before, "a removal");
    tokens_[s].resize(begin);
    return {};
  }

  Status Keep(Choose choose) {
    const SequenceId kept = choose(limits_.max_sequences);
    BRAID_TRY(memory_->Keep(kept));
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      if (s != kept) tokens_[s].clear();
    }
    return {};
  }

  // Every sequence remembers exactly its tokens.
  Status VerifyContents() {
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      const auto& tokens = tokens_[s];
      BRAID_TRY(Expect(Format("next position of sequence {}", s),
                       memory_->next_positions()[s],
                       static_cast<int64_t>(tokens.size())));
      if (recurrent_ && !tokens.empty()) {
        BRAID_TRY(CheckCell(memory_->cells().CellOf(s), tokens));
      }
      if (attention_) {
        BRAID_TRY(CheckPages(memory_->pages().TableOf(s), tokens));
      }
    }
    return {};
  }

  // Without a plan: contents, owners, and nothing is taken that has none.
  Status Verify() {
    BRAID_TRY(VerifyContents());
    const StateCells& cells = memory_->cells();
    const KvPages& pages = memory_->pages();
    std::map<int32_t, int> cell_owners, page_owners;
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      if (cells.CellOf(s) != kNoCell) ++cell_owners[cells.CellOf(s)];
      for (int32_t page : pages.TableOf(s).pages) ++page_owners[page];
      for (SequenceId t = 0; t < s && attention_; ++t) {
        const auto [end, unused] =
            std::mismatch(tokens_[s].begin(), tokens_[s].end(),
                          tokens_[t].begin(), tokens_[t].end());
        BRAID_TRY(Expect(Format("positions that {} and {} share", s, t),
                         pages.Shared(s, t), end - tokens_[s].begin()));
      }
    }
    for (int32_t c = 0; c < cells.cells(); ++c) {
      BRAID_TRY(Expect(Format("owners of cell {}", c), cells.Owners(c),
                       cell_owners[c]));
    }
    for (int32_t p = 0; p < pages.pages(); ++p) {
      BRAID_TRY(Expect(Format("owners of page {}", p), pages.Owners(p),
                       page_owners[p]));
    }
    const auto used = [](const auto& owners) {
      return std::count_if(owners.begin(), owners.end(),
                           [](const auto& entry) { return entry.second > 0; });
    };
    BRAID_TRY(Expect("cells in use", cells.cells_in_use(), used(cell_owners)));
    BRAID_TRY(Expect("pages in use", pages.pages_in_use(), used(page_owners)));
    return Expect("positions in use", pages.positions_in_use(),
                  attention_ ? DifferentTokens() : 0);
  }

  MemorySpec spec_;
  MemoryLimits limits_;
  std::unique_ptr<HybridMemory> memory_;
  std::vector<std::vector<uint32_t>> tokens_;  // [sequences]
  bool recurrent_ = false;
  bool attention_ = false;
  TokenId next_token_ = 1;
};

}  // namespace braid

#endif  // BRAID_TESTS_SUPPORT_MEMORY_ORACLE_H_
