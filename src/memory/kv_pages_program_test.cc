// KvPages beside lists of groups that are objects.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/random.h"
#include "memory/kv_pages.h"

namespace braid {
namespace {

constexpr int kSequences = 6;
constexpr int kLayers = 3;
// The layer between the other two is none of these layers'.
constexpr int kMembers[] = {0, 2};

struct Form {
  const char* name;
  int page_positions;
  int pages_per_group;
  int window = 0;    // positions before the end that are not forgotten
  int rollback = 0;  // of a replay log
};

PageGroupSpec SpecOf(const Form& form) {
  PageGroupSpec spec{.page_positions = form.page_positions,
                     .pages_per_group = form.pages_per_group,
                     .unlimited_positions = form.rollback > 0,
                     .page_bytes = std::vector<size_t>(kLayers, 0)};
  for (const int layer : kMembers) {
    spec.page_bytes[layer] = sizeof(uint32_t) * form.page_positions;
  }
  return spec;
}

KvPages Make(const PageGroupSpec& spec, int sequences, int64_t positions) {
  MemoryLimits limits;
  limits.max_sequences = sequences;
  limits.kv_positions = positions;
  Result<KvPages> pages = KvPages::Create(spec, limits);
  EXPECT_TRUE(pages.ok()) << pages.error().message;
  return std::move(*pages);
}

// The model: a group is an object, and a table a list of them.
using Group = std::shared_ptr<const int>;

struct Sequence {
  std::vector<uint32_t> tokens;  // no number is used twice
  std::vector<Group> groups;     // null: not kept
  Position first = 0;

  Position length() const { return static_cast<Position>(tokens.size()); }
};

struct PlannedRun {
  std::vector<SequenceId> owners;
  std::vector<uint32_t> tokens;
};

// One KvPages and the model of it.
class Program {
 public:
  Program(const Form& form, int64_t limit, uint64_t seed)
      : form_(form),
        group_(form.page_positions * form.pages_per_group),
        limit_(limit),
        pages_(Make(SpecOf(form), kSequences, RoomFor(form, limit))),
        random_(seed),
        sequences_(kSequences) {}

  void Step() {
    const int kind = random_.Below(12);
    if (kind < 7) {
      Decode();
    } else if (kind < 9) {
      Fork();
    } else {
      Truncate();
    }
    Verify();
  }

  void Finish() {
    for (SequenceId s = 0; s < kSequences; ++s) pages_.Truncate(s, 0);
    EXPECT_EQ(pages_.groups_in_use(), 0);
  }

 private:
  // What HybridMemory gives the log for a plan of at most kMostRows rows.
  static constexpr int kMostRows = 90;
  static int64_t RoomFor(const Form& form, int64_t limit) {
    if (form.rollback == 0) return limit;
    return kLogPositions *
           (kMostRows + kSequences * (2 * form.rollback / kLogPositions + 3));
  }

  Position LogBegin(Position length) const {
    const int k = form_.rollback;
    return k == 0 || length < k ? 0 : (length - k) / k * k;
  }
  Position ForgottenUntil(Position length) const {
    if (form_.rollback > 0) return LogBegin(length);
    return form_.window == 0 ? 0 : std::max(0, length - form_.window);
  }
  int GroupsFor(Position length) const {
    return (length + group_ - 1) / group_;
  }

  int64_t DifferentTokens() const {
    std::set<uint32_t> different;
    for (const Sequence& sequence : sequences_) {
      different.insert(sequence.tokens.begin(), sequence.tokens.end());
    }
    return static_cast<int64_t>(different.size());
  }

  // Everything that can be seen.
  std::vector<int64_t> Dump() const {
    std::vector<int64_t> dump = {pages_.groups_in_use()};
    for (SequenceId s = 0; s < kSequences; ++s) {
      dump.push_back(pages_.Length(s));
      dump.push_back(pages_.First(s));
      for (const int32_t page : pages_.TableOf(s).pages) dump.push_back(page);
    }
    for (int32_t g = 0; g < pages_.groups(); ++g) {
      dump.push_back(pages_.Owners(g));
    }
    return dump;
  }

  // Runs of sequences, alone or with some of those that have the same tokens;
  // `next` is what the sequences will have.
  std::vector<PlannedRun> ChooseRuns(std::vector<std::vector<uint32_t>>& next,
                                     int& rows) {
    std::vector<PlannedRun> runs;
    std::vector<bool> taken(kSequences, false);
    const auto before = next;
    for (int i = random_.Below(4); i >= 0 && rows > 0; --i) {
      PlannedRun run;
      const SequenceId front = random_.Below(kSequences);
      for (int j = 0; j < kSequences; ++j) {
        const SequenceId s = (front + j) % kSequences;
        const bool wanted = j == 0 || random_.Below(3) > 0;
        if (!wanted || taken[s] || before[s] != before[front]) continue;
        run.owners.push_back(s);
      }
      if (run.owners.empty() || run.owners.front() != front) continue;
      const int length = 1 + random_.Below(random_.Below(2) == 0 ? 4 : 70);
      for (int j = 0; j < std::min(length, rows); ++j) {
        run.tokens.push_back(++last_token_);
      }
      rows -= static_cast<int>(run.tokens.size());
      for (const SequenceId s : run.owners) {
        taken[s] = true;
        next[s].insert(next[s].end(), run.tokens.begin(), run.tokens.end());
      }
      runs.push_back(std::move(run));
    }
    return runs;
  }

  struct UBatch {
    std::vector<PlannedRun> planned;
    RunOwners owners;
    std::vector<Run> runs;
    std::vector<PageTable> tables;
  };

  UBatch PlanNext(int index, std::vector<std::vector<uint32_t>>& next,
                  int& rows) {
    UBatch ubatch;
    std::vector<Position> first;
    for (const auto& tokens : next) {
      first.push_back(static_cast<Position>(tokens.size()));
    }
    ubatch.planned = ChooseRuns(next, rows);
    std::vector<Position> kept;
    int32_t begin = 0;
    for (const PlannedRun& run : ubatch.planned) {
      const auto length = static_cast<int32_t>(run.tokens.size());
      ubatch.owners.Add(run.owners);
      ubatch.runs.push_back({.begin = begin,
                             .length = length,
                             .first_position = first[run.owners.front()]});
      begin += length;
      kept.push_back(LogBegin(ubatch.runs.back().end_position()));
    }
    ubatch.tables.resize(ubatch.runs.size());
    if (form_.rollback == 0) kept.clear();
    pages_.Plan(index, ubatch.owners, ubatch.runs, kept, ubatch.tables);
    return ubatch;
  }

  // Some ubatches, of which the last ones may be cancelled.
  void Decode() {
    const std::vector<int64_t> before = Dump();
    std::vector<std::vector<uint32_t>> next;
    for (const Sequence& s : sequences_) next.push_back(s.tokens);
    int rows = kMostRows;
    if (form_.rollback == 0) {
      rows =
          static_cast<int>(std::min<int64_t>(rows, limit_ - DifferentTokens()));
    }
    std::vector<UBatch> ubatches;
    const int count = 1 + random_.Below(4);
    for (int i = 0; i < count; ++i) {
      ubatches.push_back(PlanNext(i, next, rows));
    }
    const int stop = random_.Below(3) == 0 ? random_.Below(count + 1) : count;
    for (int i = 0; i < stop; ++i) Execute(i, ubatches[i]);
    if (stop < count && random_.Below(2) == 0) pages_.Begin(stop);
    for (int i = count - 1; i >= stop; --i) {
      pages_.Cancel(i, ubatches[i].owners, ubatches[i].runs);
    }
    if (stop == 0) {
      EXPECT_EQ(Dump(), before);
    }
  }

  void Execute(int index, const UBatch& ubatch) {
    pages_.Begin(index);
    for (size_t i = 0; i < ubatch.runs.size(); ++i) {
      const Run& run = ubatch.runs[i];
      const auto table = ubatch.tables[i].pages;
      for (int32_t j = 0; j < run.length; ++j) {
        const Position p = run.first_position + j;
        if (table[p / form_.page_positions] == kNoPage) continue;
        for (const int layer : kMembers) {
          uint32_t* slot = Slot(layer, ubatch.tables[i], p);
          *slot = ubatch.planned[i].tokens[j] + static_cast<uint32_t>(layer);
        }
      }
    }
    for (size_t i = 0; i < ubatch.runs.size(); ++i) {
      Append(ubatch.planned[i]);
    }
    pages_.Commit(index, ubatch.owners, ubatch.runs);
    for (const SequenceId s : ubatch.owners.sequences) {
      const Position begin = ForgottenUntil(sequences_[s].length());
      pages_.Forget(s, begin);
      StartAt(sequences_[s], begin / group_ * group_);
    }
    Verify(/*planned=*/true);
  }

  // The model's run.
  void Append(const PlannedRun& run) {
    const Sequence& front = sequences_[run.owners.front()];
    const Position first = front.length();
    const auto end = static_cast<Position>(first + run.tokens.size());
    const Position kept = std::max(first, LogBegin(end));
    const bool partly = first % group_ != 0;
    if (partly && GroupsFor(first) > kept / group_) {
      MakeWritable(run.owners, GroupsFor(first) - 1);
    }
    for (int j = GroupsFor(first); j < GroupsFor(end); ++j) {
      const Group group =
          j < kept / group_ ? nullptr : std::make_shared<const int>(0);
      for (const SequenceId s : run.owners) {
        sequences_[s].groups.push_back(group);
      }
    }
    for (const SequenceId s : run.owners) {
      std::vector<uint32_t>& tokens = sequences_[s].tokens;
      tokens.insert(tokens.end(), run.tokens.begin(), run.tokens.end());
      if (kept > first) StartAt(sequences_[s], kept);
    }
  }

  void MakeWritable(const std::vector<SequenceId>& owners, int index) {
    const Sequence& front = sequences_[owners.front()];
    const Position first = front.first;
    Group group = front.groups[index];
    const auto mine = std::count_if(owners.begin(), owners.end(), [&](int s) {
      return sequences_[s].groups[index] == group;
    });
    const auto all = std::count_if(
        sequences_.begin(), sequences_.end(), [&](const Sequence& s) {
          return static_cast<int>(s.groups.size()) > index &&
                 s.groups[index] == group;
        });
    if (group == nullptr || mine < all) group = std::make_shared<const int>(0);
    for (const SequenceId s : owners) {
      if (sequences_[s].groups[index] == group) continue;
      sequences_[s].groups[index] = group;
      StartAt(sequences_[s], first);
    }
  }

  void StartAt(Sequence& sequence, Position begin) {
    if (begin <= sequence.first) return;
    sequence.first = begin;
    for (int j = 0; j < begin / group_; ++j) sequence.groups[j] = nullptr;
  }

  void Fork() {
    const SequenceId from = random_.Below(kSequences);
    const SequenceId to = random_.Below(kSequences);
    if (!sequences_[to].tokens.empty()) return;
    pages_.Fork(from, to);
    sequences_[to] = sequences_[from];
  }

  void Truncate() {
    const SequenceId s = random_.Below(kSequences);
    Sequence& sequence = sequences_[s];
    const Position most = sequence.length();
    const Position length =
        random_.Below(3) == 0
            ? 0
            : most - random_.Below(std::min(most, Position{50}) + 1);
    pages_.Truncate(s, length);
    sequence.tokens.resize(length);
    sequence.groups.resize(GroupsFor(length));
    sequence.first = std::min(sequence.first, length);
  }

  uint32_t* Slot(int layer, const PageTable& table, Position position) {
    const int32_t page = table.pages[position / form_.page_positions];
    EXPECT_NE(page, kNoPage) << "position " << position;
    return reinterpret_cast<uint32_t*>(pages_.PageBase(layer) +
                                       static_cast<size_t>(page) *
                                           pages_.PageStride(layer)) +
           position % form_.page_positions;
  }

  void VerifyTable(SequenceId s, std::map<const int*, int32_t>& numbers,
                   std::map<int32_t, int>& owners) {
    const Sequence& sequence = sequences_[s];
    const auto table = pages_.TableOf(s).pages;
    const int per_group = form_.pages_per_group;
    ASSERT_EQ(table.size(), sequence.groups.size() * per_group);
    for (size_t j = 0; j < sequence.groups.size(); ++j) {
      const Group& group = sequence.groups[j];
      const int32_t page = table[j * per_group];
      ASSERT_EQ(page == kNoPage, group == nullptr) << s << ", group " << j;
      for (int i = 1; i < per_group; ++i) {
        ASSERT_EQ(table[j * per_group + i], group ? page + i : kNoPage);
      }
      if (group == nullptr) continue;
      const int32_t number = pages_.GroupOf(page);
      ASSERT_EQ(numbers.emplace(group.get(), number).first->second, number);
      ++owners[number];
    }
  }

  void VerifyContents(SequenceId s) {
    const Sequence& sequence = sequences_[s];
    for (Position p = sequence.first; p < sequence.length(); ++p) {
      for (const int layer : kMembers) {
        ASSERT_EQ(*Slot(layer, pages_.TableOf(s), p),
                  sequence.tokens[p] + static_cast<uint32_t>(layer))
            << "sequence " << s << ", position " << p;
      }
    }
  }

  void Verify(bool planned = false) {
    std::map<const int*, int32_t> numbers;
    std::map<int32_t, int> owners;
    for (SequenceId s = 0; s < kSequences; ++s) {
      const Sequence& sequence = sequences_[s];
      ASSERT_EQ(pages_.Length(s), sequence.length());
      ASSERT_EQ(pages_.First(s), sequence.first);
      ASSERT_LE(pages_.First(s), pages_.Length(s));
      VerifyTable(s, numbers, owners);
      if (::testing::Test::HasFatalFailure()) return;
      VerifyContents(s);
      ASSERT_EQ(pages_.GroupsOf(s),
                std::count_if(sequence.groups.begin(), sequence.groups.end(),
                              [](const Group& g) { return g != nullptr; }));
    }
    // As many numbers as objects: what is not shared has a group of its own.
    ASSERT_EQ(owners.size(), numbers.size());
    for (int32_t g = 0; g < pages_.groups(); ++g) {
      ASSERT_EQ(pages_.Owners(g), owners[g]) << "group " << g;
    }
    if (planned) return;
    ASSERT_EQ(pages_.groups_in_use(), static_cast<int32_t>(numbers.size()));
    ASSERT_EQ(pages_.used_bytes(), numbers.size() * pages_.group_bytes());
  }

  Form form_;
  int group_;  // positions
  int64_t limit_;
  KvPages pages_;
  Random random_;
  std::vector<Sequence> sequences_;
  uint32_t last_token_ = 0;
};

class KvPagesProgram : public ::testing::TestWithParam<Form> {};

TEST_P(KvPagesProgram, AgreesWithListsOfGroups) {
  for (uint64_t seed = 0; seed < 24; ++seed) {
    const int64_t limit =
        seed % 2 == 0 ? 1 + static_cast<int64_t>(seed) * 9 : 1000;
    Program program(GetParam(), limit, seed);
    for (int step = 0; step < 150; ++step) {
      program.Step();
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
    program.Finish();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Forms, KvPagesProgram,
    ::testing::Values(Form{"Page", kPagePositions, 1},
                      Form{"TwoPages", kPagePositions, 2},
                      Form{"FourPages", kPagePositions, 4},
                      Form{"Window", kPagePositions, 1, 45},
                      Form{"WindowOfPairs", kPagePositions, 2, 31},
                      Form{"Log", kLogPositions, 1, 0, 8},
                      Form{"LogOfFive", kLogPositions, 1, 0, 5},
                      Form{"LogOfPairs", kLogPositions, 2, 0, 12}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace braid
