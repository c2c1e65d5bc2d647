// MemoryOracle: a HybridMemory beside a model of it that is too simple to be
// wrong, and random programs that must not tell them apart.
//
// The model of a sequence is the list of its tokens, each a number that was
// never used before; so what sequences share are equal numbers, and what the
// limit counts is how many different ones there are. What the memory says it
// keeps must be there, byte for byte (memory_contents.h). How far it promises
// to go back is one number for each sequence and page set: going back behind it
// may be refused, but must be right where it is not.
//
// Shared by the unit test and the fuzz target. Every function returns the first
// disagreement as a sentence, or nothing.
#ifndef BRAID_TESTS_SUPPORT_MEMORY_ORACLE_H_
#define BRAID_TESTS_SUPPORT_MEMORY_ORACLE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/function_ref.h"
#include "base/try.h"
#include "batch/splitter.h"
#include "batch/validate.h"
#include "memory/hybrid_memory.h"
#include "tests/support/memory_contents.h"

namespace braid {

// A number in [0, bound), from a generator or from a fuzzer's bytes.
using Choose = FunctionRef<int(int bound)>;

// Attention groups and the replay log, where there is one.
inline size_t PageSetsOf(const HybridMemory& memory) {
  return memory.groups().size() + (memory.log().present() ? 1 : 0);
}
inline const KvPages& PageSetOf(const HybridMemory& memory, size_t set) {
  return set < memory.groups().size() ? memory.groups()[set] : memory.log();
}

// All that can be seen of a memory, as numbers; equal memories, equal dumps.
inline std::vector<int64_t> DumpOf(const HybridMemory& memory) {
  std::vector<int64_t> dump;
  const Lineage& lineage = memory.lineage();
  const StateCells& cells = memory.cells();
  for (SequenceId s = 0; s < lineage.sequences(); ++s) {
    dump.push_back(lineage.Length(s));
    for (SequenceId t = 0; t < s; ++t) dump.push_back(lineage.Shared(s, t));
    dump.push_back(cells.CellOf(s));
    for (const StateCells::Checkpoint& checkpoint : cells.Checkpoints(s)) {
      dump.insert(dump.end(), {checkpoint.position, checkpoint.cell,
                               checkpoint.kept ? 1 : 0});
    }
  }
  for (int32_t c = 0; c < cells.cells(); ++c) dump.push_back(cells.Owners(c));
  for (size_t set = 0; set < PageSetsOf(memory); ++set) {
    const KvPages& pages = PageSetOf(memory, set);
    for (SequenceId s = 0; s < lineage.sequences(); ++s) {
      dump.push_back(pages.First(s));
      for (const int32_t page : pages.TableOf(s).pages) dump.push_back(page);
    }
    for (int32_t g = 0; g < pages.groups(); ++g) {
      dump.push_back(pages.Owners(g));
    }
    dump.push_back(pages.groups_in_use());
  }
  dump.push_back(cells.cells_in_use());
  dump.push_back(lineage.positions());
  dump.push_back(static_cast<int64_t>(memory.used_bytes()));
  return dump;
}

class MemoryOracle {
 public:
  // Tokens of one batch at most.
  static constexpr int kMaxBatch = 400;

  // Limits from which a memory can be made, but for max_batch.
  MemoryOracle(MemorySpec spec, MemoryLimits limits)
      : limits_(limits), sequences_(limits.max_sequences) {
    for (const LayerSpec& layer : spec.layers) {
      recurrent_ |= layer.recurrent();
      attention_ |= layer.attention();
    }
    limits_.max_batch = kMaxBatch;
    auto memory = HybridMemory::Create(std::move(spec), limits_);
    if (!memory.ok()) return;
    memory_ = std::move(*memory);
    for (Sequence& sequence : sequences_) {
      sequence.promised.assign(memory_->groups().size() + 1, 0);
    }
  }

  const HybridMemory& memory() const { return *memory_; }

  // One random operation, and a look at everything afterwards.
  Status Step(Choose choose) {
    const int kind = choose(32);
    if (kind < 17) {
      BRAID_TRY(Decode(choose));
    } else if (kind < 21) {
      BRAID_TRY(Fork(choose));
    } else if (kind < 27) {
      BRAID_TRY(GoBack(choose));
    } else if (kind < 29) {
      BRAID_TRY(Release(choose(limits_.max_sequences)));
    } else if (kind < 31) {
      BRAID_TRY(Checkpoint(choose(limits_.max_sequences)));
    } else if (choose(4) == 0) {
      BRAID_TRY(Keep(choose(limits_.max_sequences)));
    }
    return Verify();
  }

  // Removes all sequences: nothing may be left.
  Status Finish() {
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      BRAID_TRY(Release(s));
    }
    BRAID_TRY(Verify());
    return ExpectEqual("bytes in use at the end",
                       static_cast<int64_t>(memory_->used_bytes()), 0);
  }

 private:
  struct Sequence {
    std::vector<uint32_t> tokens;
    // [page sets] The first position to which the set lets it go back, for
    // sure: the window of a query there is kept, or (the log's) a checkpoint
    // and everything logged since.
    std::vector<Position> promised;

    Position length() const { return static_cast<Position>(tokens.size()); }
  };

  int64_t DifferentTokens() const {
    std::set<uint32_t> different;
    for (const Sequence& sequence : sequences_) {
      different.insert(sequence.tokens.begin(), sequence.tokens.end());
    }
    return static_cast<int64_t>(different.size());
  }

  int64_t PositionsBehind(size_t set) const {
    if (set == memory_->groups().size()) return 2 * int64_t{limits_.rollback};
    return int64_t{memory_->WindowOf(static_cast<int>(set))} +
           limits_.rollback - 1;
  }

  // How far a sequence of `length` can go back, had it never gone back.
  Position Promise(size_t set, Position length) const {
    const Position reached = std::max(0, length - limits_.rollback);
    if (set < memory_->groups().size()) {
      return memory_->WindowOf(static_cast<int>(set)) == 0 ? 0 : reached;
    }
    return limits_.rollback == 0 ? length
                                 : reached - reached % limits_.rollback;
  }

  // What a query at `position` sees.
  Position SeenFrom(size_t set, Position position) const {
    const int window = memory_->WindowOf(static_cast<int>(set));
    return window == 0 ? 0 : std::max(0, position - window + 1);
  }

  // ceil(positions / P) + 1 groups, whatever the first one's place in its page.
  Status CheckHeld(const std::string& what, size_t set, int64_t held,
                   int64_t positions) const {
    const int64_t per_group = PageSetOf(*memory_, set).group_positions();
    const int64_t most = (positions + per_group - 1) / per_group + 1;
    if (held <= most) return {};
    return Error{Format("{}, page set {}: {} groups for {} positions", what,
                        set, held, positions)};
  }
  bool IsBounded(size_t set) const {
    return set == memory_->groups().size() ||
           memory_->WindowOf(static_cast<int>(set)) > 0;
  }

  // Reads what the rows of run `i` will see, then runs the layers.
  Status Forward(const UBatch& ubatch, const UBatchView& view, size_t i,
                 std::span<const int> planned) {
    const Run& run = view.runs[i];
    MemoryContents contents(*memory_);
    const SequenceId first = ubatch.owners[i].front();
    const std::vector<uint32_t>& past = sequences_[first].tokens;
    BRAID_TRY(ExpectEqual("first position", run.first_position,
                          static_cast<int64_t>(past.size())));
    for (size_t set = 0; set < view.tables.size(); ++set) {
      const PageTable& table = view.tables[set][i];
      BRAID_TRY(contents.CheckTable(set, table,
                                    SeenFrom(set, run.first_position), past));
      if (!IsBounded(set)) continue;
      const auto missing =
          std::count(table.pages.begin(), table.pages.end(), kNoPage);
      const auto held = (std::ssize(table.pages) - missing) /
                        memory_->groups()[set].pages_per_group();
      BRAID_TRY(CheckHeld(Format("sequence {} in a plan", first), set, held,
                          PositionsBehind(set) + planned[first]));
    }
    std::vector<uint32_t> tokens;
    for (int32_t j = 0; j < run.length; ++j) {
      tokens.push_back(static_cast<uint32_t>(ubatch.tokens[run.begin + j]));
    }
    contents.Forward(view, i, tokens);
    return {};
  }

  void Append(const UBatch& ubatch, size_t i) {
    const Run& run = ubatch.runs[i];
    const auto owners = ubatch.owners[i];
    std::vector<Position> promised = sequences_[owners.front()].promised;
    for (size_t set = 0; set < promised.size(); ++set) {
      // Sequences leave with the first one's pages.
      for (const SequenceId s : owners) {
        promised[set] = std::max(promised[set], sequences_[s].promised[set]);
      }
      promised[set] = std::max(promised[set], Promise(set, run.end_position()));
    }
    for (const SequenceId s : owners) {
      for (int32_t j = 0; j < run.length; ++j) {
        sequences_[s].tokens.push_back(
            static_cast<uint32_t>(ubatch.tokens[run.begin + j]));
      }
      sequences_[s].promised = promised;
    }
  }

  // Several tokens of several sequences, in any order, some of them shared.
  Batch MakeBatch(Choose choose) {
    Batch batch;
    std::vector<std::vector<uint32_t>> next;
    for (const Sequence& s : sequences_) next.push_back(s.tokens);
    const int stretches = 1 + choose(6);
    for (int i = 0; i < stretches; ++i) {
      const SequenceId first = choose(limits_.max_sequences);
      std::vector<SequenceId> set = {first};
      for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
        if (s == first || next[s] != next[first]) continue;
        if (choose(3) > 0) set.push_back(s);
      }
      const int length = 1 + choose(choose(2) == 0 ? 3 : 80);
      for (int j = 0; j < length && batch.size() < kMaxBatch; ++j) {
        const TokenId token = next_token_++;
        batch.Add(token, static_cast<Position>(next[first].size()), set,
                  Want::kNothing);
        for (const SequenceId s : set) {
          next[s].push_back(static_cast<uint32_t>(token));
        }
      }
    }
    return batch;
  }

  Status CheckValid(const Batch& batch) const {
    const auto shared = [&](SequenceId a, SequenceId b) {
      return memory_->lineage().Shared(a, b);
    };
    BatchScratch scratch;
    return ValidateBatch(batch,
                         {.max_tokens = kMaxBatch,
                          .vocabulary_size = next_token_,
                          .next_positions = memory_->next_positions(),
                          .shared_positions = shared},
                         scratch);
  }

  // Is the plan made exactly when the batch fits? Whether it is.
  Result<bool> Plan(std::span<const UBatch> ubatches, int rows) {
    const std::vector<int64_t> before = DumpOf(*memory_);
    const bool made = memory_->Plan(ubatches).ok();
    const auto used = static_cast<int64_t>(memory_->used_bytes());
    const auto limit = static_cast<int64_t>(limits_.bytes);
    if (made && limit > 0 && used > limit) {
      return Error{Format("a plan uses {} of {} bytes", used, limit)};
    }
    const bool fits =
        !attention_ || DifferentTokens() + rows <= limits_.kv_positions;
    if (!made) BRAID_TRY(ExpectUnchanged(before, "a failed plan"));
    if (!made && fits && limit > 0) {
      const bool any = memory_->Plan(ubatches, HybridMemory::Bytes::kAny).ok();
      BRAID_TRY(ExpectEqual("plan of any bytes succeeds", any, true));
      const auto needed = static_cast<int64_t>(memory_->used_bytes());
      BRAID_TRY(ExpectEqual(Format("{} of {} bytes fit", needed, limit),
                            needed <= limit, false));
      memory_->Cancel();
      BRAID_TRY(ExpectUnchanged(before, "a plan that was cancelled"));
      return false;
    }
    BRAID_TRY(ExpectEqual("plan succeeds", made, fits));
    return made;
  }

  Status Decode(Choose choose) {
    const Batch batch = MakeBatch(choose);
    BRAID_TRY(CheckValid(batch));
    Splitter splitter(static_cast<SplitPolicy>(choose(3)), 1 + choose(100));
    BRAID_ASSIGN(const std::span<UBatch> ubatches, splitter.Split(batch));
    std::vector<int> planned(sequences_.size(), 0);  // tokens
    for (int i = 0; i < batch.size(); ++i) {
      for (const SequenceId s : batch.Sequences(i)) ++planned[s];
    }

    const std::vector<int64_t> before = DumpOf(*memory_);
    BRAID_ASSIGN(const bool made, Plan(ubatches, batch.size()));
    if (!made) return {};
    // Sometimes the caller gives up before ubatch `stop`, having begun it.
    const int count = static_cast<int>(ubatches.size());
    const int stop = choose(3) == 0 ? choose(count + 1) : count;
    for (int i = 0; i < stop; ++i) {
      const UBatchView view = memory_->Begin(i);
      // Layers may walk the runs in any order.
      const size_t runs = view.runs.size();
      const size_t shift = static_cast<size_t>(choose(static_cast<int>(runs)));
      for (size_t j = 0; j < runs; ++j) {
        BRAID_TRY(Forward(ubatches[i], view, (j + shift) % runs, planned));
      }
      memory_->Commit(i);
      for (size_t j = 0; j < runs; ++j) Append(ubatches[i], j);
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
    const bool allowed = sequences_[to].tokens.empty();
    BRAID_TRY(
        ExpectEqual("fork succeeds", memory_->Fork(from, to).ok(), allowed));
    if (!allowed) return ExpectUnchanged(before, "a refused fork");
    sequences_[to] = sequences_[from];
    return {};
  }

  // Must there be a way back to `position` itself?
  bool PromisesExactly(const Sequence& sequence, Position position) const {
    const bool by_log =
        memory_->log().present() && sequence.promised.back() <= position;
    return PromisesWindows(sequence, position) && (!recurrent_ || by_log);
  }
  bool PromisesWindows(const Sequence& sequence, Position position) const {
    for (size_t set = 0; set < memory_->groups().size(); ++set) {
      if (sequence.promised[set] > position) return false;
    }
    return true;
  }
  // Must there be one to the checkpoint before, and room for the rest?
  bool PromisesCheckpoint(SequenceId s, Position position) const {
    if (!recurrent_) return false;
    Position before = 0;
    for (const auto& checkpoint : memory_->cells().Checkpoints(s)) {
      if (checkpoint.position > position) break;
      before = checkpoint.position;
    }
    const bool fits = !attention_ || DifferentTokens() + position - before <=
                                         limits_.kv_positions;
    return before > 0 && fits && PromisesWindows(sequences_[s], before);
  }

  Status GoBack(Choose choose) {
    const SequenceId s = choose(limits_.max_sequences);
    Sequence& sequence = sequences_[s];
    const Position length = sequence.length();
    if (length < 2) return {};
    const int far = choose(2) == 0 ? length : 2 * limits_.rollback + 4;
    const Position position = length - 1 - choose(std::min(far, length - 1));
    const std::vector<int64_t> before = DumpOf(*memory_);
    const Result<WayBack> way = memory_->FindWayBack(s, position);
    BRAID_TRY(ExpectUnchanged(before, "a look for a way back"));
    const bool exactly = PromisesExactly(sequence, position);
    if (!way.ok()) {
      const bool promised = exactly || PromisesCheckpoint(s, position);
      return ExpectEqual(
          Format("sequence {} of {} can go back to {}", s, length, position),
          false, promised);
    }
    BRAID_TRY(ExpectEqual("position", way->position, position));
    if (exactly) BRAID_TRY(ExpectEqual("exact", way->exact, true));

    const UBatchView view = memory_->GoBack(s, *way);
    if (way->replayed() > 0) {
      BRAID_TRY(ExpectEqual("replayed", view.runs[0].length, way->replayed()));
      MemoryContents(*memory_).Replay(view.runs[0], view.log[0]);
    }
    const Position end = way->exact ? position : way->checkpoint.position;
    sequence.tokens.resize(static_cast<size_t>(end));
    for (size_t set = 0; set < sequence.promised.size(); ++set) {
      Position& promised = sequence.promised[set];
      if (promised <= end) continue;
      // What is behind was luck; the next rolling checkpoint is ahead.
      const bool is_log = set == memory_->groups().size();
      const int k = limits_.rollback;
      promised = is_log && k > 0 ? (end / k + 1) * k : end;
    }
    return {};
  }

  Status Release(SequenceId s) {
    BRAID_TRY(memory_->Release(s));
    sequences_[s].tokens.clear();
    std::fill(sequences_[s].promised.begin(), sequences_[s].promised.end(), 0);
    return {};
  }

  Status Checkpoint(SequenceId s) {
    const Position length = sequences_[s].length();
    const bool allowed =
        !recurrent_ || length == 0 ||
        limits_.checkpoint_bytes >= memory_->cells().cell_bytes();
    const std::vector<int64_t> before = DumpOf(*memory_);
    BRAID_TRY(ExpectEqual("checkpoint succeeds", memory_->Checkpoint(s).ok(),
                          allowed));
    if (!allowed) return ExpectUnchanged(before, "a refused checkpoint");
    if (!recurrent_ || length == 0) return {};
    const auto at = memory_->cells().CheckpointBefore(s, length);
    return ExpectEqual("position of the checkpoint", at.position, length);
  }

  Status Keep(SequenceId kept) {
    BRAID_TRY(memory_->Keep(kept));
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      if (s != kept) BRAID_TRY(Release(s));
    }
    return {};
  }

  // Every sequence remembers exactly its tokens.
  Status VerifyContents() {
    MemoryContents contents(*memory_);
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      const Sequence& sequence = sequences_[s];
      const std::span<const uint32_t> tokens = sequence.tokens;
      BRAID_TRY(ExpectEqual(Format("next position of sequence {}", s),
                            memory_->next_positions()[s], sequence.length()));
      if (recurrent_ && !tokens.empty()) {
        BRAID_TRY(contents.CheckCell(memory_->cells().CellOf(s), tokens));
      }
      for (const auto& checkpoint : memory_->cells().Checkpoints(s)) {
        BRAID_TRY(contents.CheckCell(
            checkpoint.cell,
            tokens.first(static_cast<size_t>(checkpoint.position))));
      }
      for (size_t set = 0; set < PageSetsOf(*memory_); ++set) {
        const KvPages& pages = PageSetOf(*memory_, set);
        BRAID_TRY(
            contents.CheckTable(set, pages.TableOf(s), pages.First(s), tokens));
        if (!IsBounded(set)) continue;
        BRAID_TRY(CheckHeld(Format("sequence {}", s), set, pages.GroupsOf(s),
                            PositionsBehind(set)));
      }
    }
    return {};
  }

  // Without a plan: contents, owners, and nothing is taken that has none.
  Status Verify() {
    BRAID_TRY(VerifyContents());
    BRAID_TRY(VerifySharing());
    size_t bytes = 0;
    BRAID_TRY(VerifyCells(bytes));
    for (size_t set = 0; set < PageSetsOf(*memory_); ++set) {
      BRAID_TRY(VerifyPages(set, bytes));
    }
    return ExpectEqual("bytes in use",
                       static_cast<int64_t>(memory_->used_bytes()),
                       static_cast<int64_t>(bytes));
  }

  Status VerifySharing() const {
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      for (SequenceId t = 0; t < s; ++t) {
        const auto& a = sequences_[s].tokens;
        const auto& b = sequences_[t].tokens;
        const auto end =
            std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
        BRAID_TRY(ExpectEqual(Format("positions that {} and {} share", s, t),
                              memory_->lineage().Shared(s, t),
                              end - a.begin()));
      }
    }
    return ExpectEqual("positions in use", memory_->lineage().positions(),
                       DifferentTokens());
  }

  Status VerifyCells(size_t& bytes) const {
    const StateCells& cells = memory_->cells();
    std::map<int32_t, int> owners;
    std::set<int32_t> kept;
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      if (cells.CellOf(s) != kNoCell) ++owners[cells.CellOf(s)];
      for (const auto& checkpoint : cells.Checkpoints(s)) {
        ++owners[checkpoint.cell];
        if (checkpoint.kept) kept.insert(checkpoint.cell);
      }
    }
    const auto used = static_cast<int64_t>(owners.size());
    BRAID_TRY(ExpectEqual("cells in use", cells.cells_in_use(), used));
    for (int32_t c = 0; c < cells.cells(); ++c) {
      BRAID_TRY(ExpectEqual(Format("owners of cell {}", c), cells.Owners(c),
                            owners[c]));
    }
    if (kept.size() * cells.cell_bytes() > limits_.checkpoint_bytes) {
      return Error{Format("{} kept checkpoints of {} bytes, {} allowed",
                          kept.size(), cells.cell_bytes(),
                          limits_.checkpoint_bytes)};
    }
    bytes += static_cast<size_t>(used) * cells.cell_bytes();
    return {};
  }

  Status VerifyPages(size_t set, size_t& bytes) const {
    const KvPages& pages = PageSetOf(*memory_, set);
    std::map<int32_t, int> owners;
    for (SequenceId s = 0; s < limits_.max_sequences; ++s) {
      const auto table = pages.TableOf(s).pages;
      for (size_t i = 0; i < table.size();
           i += static_cast<size_t>(pages.pages_per_group())) {
        if (table[i] != kNoPage) ++owners[pages.GroupOf(table[i])];
      }
    }
    const auto used = static_cast<int64_t>(owners.size());
    BRAID_TRY(ExpectEqual(Format("groups in use of page set {}", set),
                          pages.groups_in_use(), used));
    for (int32_t g = 0; g < pages.groups(); ++g) {
      BRAID_TRY(ExpectEqual(Format("page set {}, owners of group {}", set, g),
                            pages.Owners(g), owners[g]));
    }
    bytes += static_cast<size_t>(used) * pages.group_bytes();
    return {};
  }

  MemoryLimits limits_;
  std::unique_ptr<HybridMemory> memory_;
  std::vector<Sequence> sequences_;
  bool recurrent_ = false;
  bool attention_ = false;
  TokenId next_token_ = 1;
};

}  // namespace braid

#endif  // BRAID_TESTS_SUPPORT_MEMORY_ORACLE_H_
