// Random programs of plans, commits, cancels, forks, checkpoints, ways back and
// restores, against a model of states as lists of tokens.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "memory/state_cells.h"
#include "memory/state_cells_for_test.h"

namespace braid {
namespace {

// The model: a state is a list of tokens, and states that were written at once
// are one object. Who shares an object must share a cell, and nobody else.
using State = std::shared_ptr<const std::vector<int>>;

struct Mark {
  State state;
  bool kept = false;
  uint64_t made = 0;
};

struct Model {
  int rollback = 0;
  int every = 0;
  int64_t budget = 0;
  std::vector<State> state = std::vector<State>(kSequences);  // null: empty
  std::vector<std::map<Position, Mark>> marks =
      std::vector<std::map<Position, Mark>>(kSequences);
  uint64_t made = 0;

  std::vector<int> Tokens(SequenceId s) const {
    return state[s] == nullptr ? std::vector<int>() : *state[s];
  }
  Position Length(SequenceId s) const {
    return static_cast<Position>(Tokens(s).size());
  }

  // The definition, position by position.
  Position LogBegin(Position length) const {
    Position begin = 0;
    for (Position p = 0; rollback > 0 && p <= length - rollback; ++p) {
      if (p % rollback == 0) begin = p;
    }
    return begin;
  }

  void DropPassed(SequenceId s) {
    const Position length = Length(s);
    std::erase_if(marks[s], [&](const auto& mark) {
      const bool rolls = rollback > 0 && mark.first % rollback == 0 &&
                         mark.first >= LogBegin(length);
      return !mark.second.kept && !rolls;
    });
  }

  void EnforceBudget() {
    while (true) {
      std::map<State, uint64_t> kept;  // by when it was made first
      for (const auto& list : marks) {
        for (const auto& [position, mark] : list) {
          if (!mark.kept) continue;
          const auto at = kept.try_emplace(mark.state, mark.made).first;
          at->second = std::min(at->second, mark.made);
        }
      }
      if (static_cast<int64_t>(kept.size()) <= budget) return;
      const State oldest =
          std::min_element(kept.begin(), kept.end(), [](auto& a, auto& b) {
            return a.second < b.second;
          })->first;
      for (SequenceId s = 0; s < kSequences; ++s) {
        for (auto& [position, mark] : marks[s]) {
          if (mark.state == oldest) mark.kept = false;
        }
        DropPassed(s);
      }
    }
  }

  // One run: token by token, all owners alike.
  void Append(std::span<const SequenceId> owners, std::span<const int> tokens) {
    std::map<Position, Mark> all;
    for (const SequenceId s : owners) {
      for (const auto& [position, mark] : marks[s]) {
        const auto [at, added] = all.try_emplace(position, mark);
        if (!added && mark.kept && !at->second.kept) at->second = mark;
      }
    }
    std::vector<int> past = Tokens(owners.front());
    State now;
    for (const int token : tokens) {
      past.push_back(token);
      now = std::make_shared<const std::vector<int>>(past);
      const auto position = static_cast<Position>(past.size());
      const bool kept = every > 0 && budget > 0 && position % every == 0;
      const bool rolls = rollback > 0 && position % rollback == 0;
      if (kept || rolls) all[position] = {now, kept, ++made};
    }
    for (const SequenceId s : owners) {
      state[s] = now;
      marks[s] = all;
      DropPassed(s);
    }
  }

  void Keep(SequenceId s) {
    Mark& mark = marks[s][Length(s)];
    if (!mark.kept) mark = {state[s], true, ++made};
    EnforceBudget();
  }

  std::set<State> States() const {
    std::set<State> all(state.begin(), state.end());
    all.erase(nullptr);
    for (const auto& list : marks) {
      for (const auto& [position, mark] : list) all.insert(mark.state);
    }
    return all;
  }

  // Does anybody but these sequences themselves have their first one's state?
  bool Shared(std::span<const SequenceId> owners) const {
    const State& wanted = state[owners.front()];
    for (SequenceId s = 0; s < kSequences; ++s) {
      const bool ours =
          std::find(owners.begin(), owners.end(), s) != owners.end();
      if (!ours && state[s] == wanted) return true;
      for (const auto& [position, mark] : marks[s]) {
        if (mark.state == wanted) return true;
      }
    }
    return false;
  }
};

// Calls f(float&, expected) for what a cell holds after `tokens`: a hash of
// them, of the layer and of the place.
template <class F>
void ForEachFloat(StateCells& cells, int32_t cell,
                  const std::vector<int>& tokens, F f) {
  uint64_t hash = 1;
  for (const int token : tokens) {
    hash = RandomBits(hash, 0, static_cast<uint64_t>(token));
  }
  const MemorySpec spec = Spec();
  for (const int layer : {0, 2}) {
    uint64_t place = 0;
    const auto visit = [&](float* floats, size_t count) {
      for (size_t i = 0; i < count; ++i) {
        const uint64_t bits = MixBits(hash + 100 * layer + place++);
        f(floats[i], static_cast<float>(bits >> 40));
      }
    };
    visit(cells.ConvState(layer, cell), spec.layers[layer].conv_floats);
    visit(cells.ScanState(layer, cell), spec.layers[layer].state_floats);
  }
}

void Write(StateCells& cells, int32_t cell, const std::vector<int>& tokens) {
  ForEachFloat(cells, cell, tokens, [](float& at, float value) { at = value; });
}

::testing::AssertionResult Holds(StateCells& cells, int32_t cell,
                                 const std::vector<int>& tokens) {
  int wrong = 0;
  ForEachFloat(cells, cell, tokens,
               [&](float& at, float value) { wrong += at != value; });
  if (wrong == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "cell " << cell << " is not the state after " << tokens.size()
         << " tokens: " << wrong << " floats";
}

// All that can be seen of the books.
std::vector<int64_t> Dump(const StateCells& cells) {
  std::vector<int64_t> dump{cells.cells_in_use(), cells.checkpoint_cells()};
  for (SequenceId s = 0; s < kSequences; ++s) {
    dump.push_back(cells.CellOf(s));
    for (const Checkpoint& c : cells.Checkpoints(s)) {
      dump.insert(dump.end(),
                  {c.position, c.cell, c.kept, static_cast<int64_t>(c.made)});
    }
  }
  for (int32_t c = 0; c < cells.cells(); ++c) dump.push_back(cells.Owners(c));
  return dump;
}

// A planned ubatch.
struct Planned {
  RunOwners owners;
  std::vector<braid::Run> runs;
  std::vector<std::vector<int>> tokens;  // [runs]
  Model after;
};

class Program {
 public:
  Program(const MemoryLimits& limits, uint64_t seed)
      : cells_(std::move(*StateCells::Create(Spec(), limits))), random_(seed) {
    model_.rollback = limits.rollback;
    model_.every = limits.checkpoint_every;
    model_.budget = cells_.most_kept();
  }

  void Step() {
    const int kind = random_.Below(20);
    if (kind < 11) Decode();
    if (kind == 11 || kind == 12) Fork();
    if (kind == 13) Release(AnySequence());
    if (kind == 14 || kind == 15) Keep();
    if (kind == 16 || kind == 17 || kind == 18) GoBack();
    if (kind == 19) Restore();
    Verify();
  }

  void Finish() {
    for (SequenceId s = 0; s < kSequences; ++s) Release(s);
    Verify();
    EXPECT_EQ(cells_.cells_in_use(), 0);
  }

 private:
  SequenceId AnySequence() { return random_.Below(kSequences); }

  void Decode() {
    const std::vector<int64_t> before = Dump(cells_);
    std::vector<Planned> plan(static_cast<size_t>(1 + random_.Below(4)));
    Model planned = model_;
    for (Planned& ubatch : plan) {
      MakeRuns(planned, ubatch);
      cells_.Plan(ubatch.owners, ubatch.runs);
      CheckPlan(planned, ubatch);
      for (size_t i = 0; i < ubatch.runs.size(); ++i) {
        planned.Append(ubatch.owners[i], ubatch.tokens[i]);
      }
      planned.EnforceBudget();
      ubatch.after = planned;
    }
    // Half of the plans are cancelled somewhere.
    const size_t done = static_cast<size_t>(
        random_.Below(2) == 0 ? random_.Below(static_cast<int>(plan.size()))
                              : static_cast<int>(plan.size()));
    for (size_t i = 0; i < done; ++i) {
      Forward(plan[i]);
      cells_.Commit(plan[i].owners, plan[i].runs);
      model_ = plan[i].after;
    }
    cells_.Cancel();
    if (done == 0) {
      EXPECT_EQ(Dump(cells_), before);
      PlanAgain(plan[0]);
    }
  }

  // What was cancelled leaves no trace in the next plan either.
  void PlanAgain(const Planned& first) {
    std::vector<Run> again = first.runs;
    cells_.Plan(first.owners, again);
    for (size_t i = 0; i < again.size(); ++i) {
      EXPECT_EQ(again[i].source, first.runs[i].source);
      EXPECT_EQ(again[i].destination, first.runs[i].destination);
    }
    cells_.Cancel();
  }

  // Sequences of equal past share a run, or do not.
  void MakeRuns(const Model& at, Planned& ubatch) {
    std::vector<SequenceId> left;
    for (SequenceId s = 0; s < kSequences; ++s) {
      if (random_.Below(3) > 0) left.push_back(s);
    }
    if (left.empty()) left.push_back(AnySequence());
    for (size_t i = left.size(); i > 1; --i) {
      std::swap(left[i - 1], left[random_.Below(static_cast<int>(i))]);
    }
    int32_t row = 0;
    while (!left.empty()) {
      std::vector<SequenceId> owners{left.back()};
      left.pop_back();
      const std::vector<int> past = at.Tokens(owners[0]);
      std::erase_if(left, [&](SequenceId s) {
        if (at.Tokens(s) != past || random_.Below(2) == 0) return false;
        owners.push_back(s);
        return true;
      });
      const int32_t length = 1 + random_.Below(random_.Below(4) == 0 ? 30 : 3);
      ubatch.owners.Add(owners);
      ubatch.runs.push_back(
          {.begin = row,
           .length = length,
           .first_position = static_cast<Position>(past.size())});
      ubatch.tokens.emplace_back();
      for (int32_t t = 0; t < length; ++t) {
        ubatch.tokens.back().push_back(next_token_++);
      }
      row += length;
    }
  }

  // Fresh cells are nobody's and given once; in place is who is alone.
  void CheckPlan(const Model& at, const Planned& ubatch) {
    std::set<int32_t> written, read;
    for (size_t i = 0; i < ubatch.runs.size(); ++i) {
      const Run& run = ubatch.runs[i];
      const std::span<const SequenceId> owners = ubatch.owners[i];
      if (run.source != kNoCell && run.source != run.destination) {
        read.insert(run.source);
      }
      const bool in_place = run.source != kNoCell && !at.Shared(owners);
      EXPECT_EQ(run.destination == run.source, in_place);
      EXPECT_EQ(run.source == kNoCell, at.state[owners[0]] == nullptr);
      EXPECT_TRUE(written.insert(run.destination).second);
      int32_t last = 0;
      for (const Snapshot& snapshot : run.snapshots) {
        EXPECT_GT(snapshot.offset, last);
        EXPECT_LT(snapshot.offset, run.length);
        EXPECT_TRUE(written.insert(snapshot.cell).second);
        last = snapshot.offset;
      }
    }
    for (const int32_t cell : read) EXPECT_EQ(written.count(cell), 0u);
  }

  // The forward pass, runs in any order.
  void Forward(const Planned& ubatch) {
    std::vector<size_t> order(ubatch.runs.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[random_.Below(static_cast<int>(i))]);
    }
    for (const size_t i : order) {
      const Run& run = ubatch.runs[i];
      std::vector<int> past = model_.Tokens(ubatch.owners[i].front());
      EXPECT_TRUE(run.source == kNoCell || Holds(cells_, run.source, past));
      size_t next = 0;
      for (int32_t t = 0; t < run.length; ++t) {
        if (next < run.snapshots.size() && run.snapshots[next].offset == t) {
          Write(cells_, run.snapshots[next++].cell, past);
        }
        past.push_back(ubatch.tokens[i][t]);
      }
      EXPECT_EQ(next, run.snapshots.size());
      Write(cells_, run.destination, past);
    }
  }

  void Fork() {
    const SequenceId from = AnySequence(), to = AnySequence();
    if (from == to) return;
    Release(to);
    cells_.Fork(from, to);
    model_.state[to] = model_.state[from];
    model_.marks[to] = model_.marks[from];
  }

  void Release(SequenceId s) {
    cells_.Release(s);
    model_.state[s] = nullptr;
    model_.marks[s].clear();
  }

  void Keep() {
    const SequenceId s = AnySequence();
    if (model_.Length(s) == 0) return;
    cells_.Keep(s, model_.Length(s));
    model_.Keep(s);
  }

  // To anywhere at or behind a checkpoint, or the sequence's start.
  void GoBack() {
    const SequenceId s = AnySequence();
    const Position length = model_.Length(s);
    if (length < 2) return;
    const Position position = 1 + random_.Below(length - 1);
    const Checkpoint from = cells_.CheckpointBefore(s, position);
    std::map<Position, Mark>& marks = model_.marks[s];
    const auto behind = marks.upper_bound(position);
    const bool at_start = behind == marks.begin();
    ASSERT_EQ(from.position, at_start ? 0 : std::prev(behind)->first);
    const std::vector<int> tokens = model_.Tokens(s);
    const auto prefix = [&](Position end) {
      return std::vector<int>(tokens.begin(), tokens.begin() + end);
    };
    const Run run = cells_.GoBack(s, from, position);
    EXPECT_EQ(run.source, from.cell);
    EXPECT_EQ(run.first_position, from.position);
    EXPECT_EQ(run.end_position(), position);
    EXPECT_EQ(run.destination, cells_.CellOf(s));
    if (!at_start) {
      EXPECT_TRUE(Holds(cells_, run.source, prefix(from.position)));
    }
    if (from.position == position) {
      EXPECT_EQ(run.destination, from.cell);
      model_.state[s] = std::prev(behind)->second.state;
    } else {
      Write(cells_, run.destination, prefix(position));
      model_.state[s] =
          std::make_shared<const std::vector<int>>(prefix(position));
    }
    marks.erase(behind, marks.end());
  }

  // Some sequences are replaced by copies of themselves in other cells, or
  // nearly.
  void Restore() {
    std::vector<SequenceId> chosen;
    for (SequenceId s = 0; s < kSequences; ++s) {
      if (random_.Below(2) == 0) chosen.push_back(s);
    }
    std::map<State, std::pair<int32_t, State>> taken;  // by the old state
    const auto take = [&](const State& old) {
      if (old == nullptr || taken.count(old) > 0) return;
      const int32_t cell = cells_.TakeCell();
      ASSERT_NE(cell, kNoCell);
      Write(cells_, cell, *old);
      taken[old] = {cell, std::make_shared<const std::vector<int>>(*old)};
    };
    for (const SequenceId s : chosen) {
      take(model_.state[s]);
      for (const auto& [position, mark] : model_.marks[s]) take(mark.state);
    }
    const Model was = model_;
    const bool refused = random_.Below(2) == 0;
    for (const SequenceId s : chosen) {
      if (refused || was.state[s] == nullptr) continue;
      Release(s);
      const auto& [cell, state] = taken[was.state[s]];
      cells_.Give(s, cell, was.Length(s));
      model_.state[s] = state;
      for (const auto& [position, mark] : was.marks[s]) {
        const auto& [mark_cell, mark_state] = taken[mark.state];
        cells_.GiveCheckpoint(s, position, mark_cell, mark.kept);
        model_.marks[s][position] = {mark_state, mark.kept, ++model_.made};
      }
    }
    for (const auto& [old, fresh] : taken) cells_.DropUnused(fresh.first);
  }

  // Every state is in its cell, states and cells are one to one, and every
  // owner is counted.
  void Verify() {
    std::map<State, int32_t> cell_of;
    std::vector<int32_t> owners(static_cast<size_t>(cells_.cells()), 0);
    std::set<int32_t> of_sequences;
    const auto check = [&](const State& state, int32_t cell) {
      ASSERT_EQ(state == nullptr, cell == kNoCell);
      if (state == nullptr) return;
      EXPECT_EQ(cell_of.try_emplace(state, cell).first->second, cell);
      EXPECT_TRUE(Holds(cells_, cell, *state));
      ++owners[cell];
    };
    for (SequenceId s = 0; s < kSequences; ++s) {
      check(model_.state[s], cells_.CellOf(s));
      of_sequences.insert(cells_.CellOf(s));
      const std::span<const Checkpoint> found = cells_.Checkpoints(s);
      ASSERT_EQ(found.size(), model_.marks[s].size());
      size_t i = 0;
      for (const auto& [position, mark] : model_.marks[s]) {
        EXPECT_EQ(found[i].position, position);
        EXPECT_EQ(found[i].kept, mark.kept);
        check(mark.state, found[i++].cell);
      }
    }
    of_sequences.erase(kNoCell);
    int32_t used = 0;
    for (int32_t c = 0; c < cells_.cells(); ++c) {
      EXPECT_EQ(cells_.Owners(c), owners[c]);
      used += owners[c] > 0;
    }
    EXPECT_EQ(cells_.cells_in_use(), used);
    EXPECT_EQ(static_cast<size_t>(used), model_.States().size());
    EXPECT_EQ(cells_.checkpoint_cells(),
              used - static_cast<int32_t>(of_sequences.size()));
    EXPECT_LE(used, cells_.cells() / 2);
  }

  StateCells cells_;
  Random random_;
  Model model_;
  int next_token_ = 1;
};

TEST(StateCells, RandomProgramsAgainstListsOfTokens) {
  uint64_t seed = 0;
  for (const int rollback : {0, 1, 3, 8}) {
    for (const int every : {0, 1, 4, 7}) {
      for (const int64_t budget : {0, 1, 6}) {
        for (int program = 0; program < 8; ++program) {
          SCOPED_TRACE(::testing::Message()
                       << "rollback " << rollback << ", every " << every
                       << ", budget " << budget << ", seed " << seed);
          Program subject(Limits(rollback, every, budget), seed++);
          for (int step = 0; step < 60 && !::testing::Test::HasFailure();
               ++step) {
            subject.Step();
          }
          subject.Finish();
          if (::testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

}  // namespace
}  // namespace braid
