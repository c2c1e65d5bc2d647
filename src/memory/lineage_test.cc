#include "memory/lineage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"

namespace braid {
namespace {

constexpr int kSequences = 6;

Lineage Make(int sequences) {
  Result<Lineage> lineage = Lineage::Create(sequences);
  EXPECT_TRUE(lineage.ok()) << lineage.error().message;
  return std::move(*lineage);
}

// The model: lists of numbers, no number computed twice.
using Lists = std::vector<std::vector<int>>;

Position CommonPrefix(const std::vector<int>& a, const std::vector<int>& b) {
  return static_cast<Position>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

void ExpectSame(const Lineage& lineage, const Lists& lists) {
  std::set<int> different;
  for (SequenceId a = 0; a < kSequences; ++a) {
    different.insert(lists[a].begin(), lists[a].end());
    ASSERT_EQ(lineage.Length(a), static_cast<Position>(lists[a].size()));
    ASSERT_EQ(lineage.lengths()[a], lineage.Length(a));
    for (SequenceId b = 0; b < kSequences; ++b) {
      if (a == b) continue;
      ASSERT_EQ(lineage.Shared(a, b), CommonPrefix(lists[a], lists[b]))
          << "sequences " << a << " and " << b;
    }
  }
  ASSERT_EQ(lineage.positions(), static_cast<int64_t>(different.size()));
}

// The same in another Lineage, each sequence after those before it.
Lineage Restored(const Lists& lists) {
  Lineage lineage = Make(kSequences);
  for (SequenceId a = 0; a < kSequences; ++a) {
    std::vector<SequenceId> others;
    std::vector<Position> shared;
    for (SequenceId b = 0; b < a; ++b) {
      others.push_back(b);
      shared.push_back(CommonPrefix(lists[a], lists[b]));
    }
    lineage.Restore(a, static_cast<Position>(lists[a].size()), others, shared);
  }
  return lineage;
}

TEST(Lineage, AgreesWithListsOfTokens) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Lineage lineage = Make(kSequences);
    Lists lists(kSequences);
    int last = 0;
    for (int step = 0; step < 200; ++step) {
      const SequenceId s = random.Below(kSequences);
      const SequenceId t = random.Below(kSequences);
      const int kind = random.Below(8);
      if (kind < 4) {
        std::vector<SequenceId> owners = {s};
        for (SequenceId other = 0; other < kSequences; ++other) {
          const bool equal = other != s && lists[other] == lists[s];
          if (equal && random.Below(3) > 0) owners.push_back(other);
        }
        const int count = 1 + random.Below(5);
        lineage.Append(owners, count);
        for (int i = 0; i < count; ++i) {
          ++last;
          for (const SequenceId owner : owners) lists[owner].push_back(last);
        }
      } else if (kind < 6) {
        if (!lists[t].empty()) continue;
        lineage.Fork(s, t);
        lists[t] = lists[s];
      } else {
        const auto length = static_cast<Position>(lists[s].size());
        const Position left = kind == 6 ? 0 : random.Below(length + 1);
        lineage.Truncate(s, left);
        lists[s].resize(left);
      }
      ExpectSame(lineage, lists);
      if (step % 20 == 0) ExpectSame(Restored(lists), lists);
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", step " << step;
    }
  }
}

TEST(Lineage, ForkOfAnEmptySequenceIsEmpty) {
  Lineage lineage = Make(2);
  lineage.Fork(0, 1);
  EXPECT_EQ(lineage.Length(1), 0);
  lineage.Append(std::vector<SequenceId>{1, 0}, 3);
  EXPECT_EQ(lineage.Shared(0, 1), 3);
  EXPECT_EQ(lineage.positions(), 3);
}

TEST(Lineage, ManySequencesAreAddressSpaceOnlyAndTooManyAreRefused) {
  Lineage lineage = Make(1 << 16);  // 16 GiB of pairs
  lineage.Append(std::vector<SequenceId>{65535}, 7);
  lineage.Fork(65535, 3);
  EXPECT_EQ(lineage.Shared(3, 65535), 7);
  EXPECT_FALSE(Lineage::Create(std::numeric_limits<int>::max()).ok());
}

}  // namespace
}  // namespace braid
