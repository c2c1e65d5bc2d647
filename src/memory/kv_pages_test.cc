#include "memory/kv_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace braid {
namespace {

// Three layers; the one between the others is none of these layers'.
PageGroupSpec SpecOf(int page_positions, int pages_per_group) {
  const size_t bytes = sizeof(uint32_t) * static_cast<size_t>(page_positions);
  return {.page_positions = page_positions,
          .pages_per_group = pages_per_group,
          .page_bytes = {bytes, 0, bytes}};
}

KvPages Make(const PageGroupSpec& spec, int sequences, int64_t positions) {
  MemoryLimits limits;
  limits.max_sequences = sequences;
  limits.kv_positions = positions;
  Result<KvPages> pages = KvPages::Create(spec, limits);
  EXPECT_TRUE(pages.ok()) << pages.error().message;
  return std::move(*pages);
}

RunOwners OwnersOf(const std::vector<std::vector<SequenceId>>& lists) {
  RunOwners owners;
  for (const auto& list : lists) owners.Add(list);
  return owners;
}

// One ubatch of one run for each list of owners.
void Decode(KvPages& pages, const std::vector<std::vector<SequenceId>>& owners,
            int32_t length) {
  const RunOwners lists = OwnersOf(owners);
  std::vector<Run> runs;
  for (const auto& list : owners) {
    runs.push_back(
        {.length = length, .first_position = pages.Length(list.front())});
  }
  std::vector<PageTable> tables(runs.size());
  pages.Plan(0, lists, runs, {}, tables);
  pages.Begin(0);
  pages.Commit(0, lists, runs);
}

TEST(KvPages, WhatFitsByPositionsFitsWhateverThePlanWillGiveBack) {
  // Each sequence has a copy of the same 31 positions. In one plan they come
  // together for 32 more, and part again in the middle of a page: all copies
  // but one are still there when the last page is taken.
  constexpr int kMany = 40;
  KvPages pages = Make(SpecOf(kPagePositions, 1), kMany, 31 + 32 + 2 * kMany);
  std::vector<SequenceId> all;
  std::vector<std::vector<SequenceId>> each;
  for (SequenceId s = 0; s < kMany; ++s) {
    all.push_back(s);
    each.push_back({s});
  }
  Decode(pages, {{0}}, 31);
  for (SequenceId s = 1; s < kMany; ++s) {
    pages.Fork(0, s);
    Decode(pages, {{s}}, 1);
    pages.Truncate(s, 31);
  }
  EXPECT_EQ(pages.groups_in_use(), kMany);

  const RunOwners together = OwnersOf({all});
  const RunOwners apart = OwnersOf(each);
  const braid::Run shared{.length = 32, .first_position = 31};
  const std::vector<braid::Run> own(kMany, {.length = 2, .first_position = 63});
  std::vector<PageTable> tables(1 + kMany);
  pages.Plan(0, together, std::span(&shared, 1), {},
             std::span(tables).first(1));
  pages.Plan(1, apart, own, {}, std::span(tables).subspan(1));
  EXPECT_EQ(pages.groups_in_use(), 3 * kMany);
  pages.Begin(0);
  pages.Commit(0, together, std::span(&shared, 1));
  EXPECT_EQ(pages.groups_in_use(), 2 * kMany + 1);
  pages.Begin(1);
  pages.Commit(1, apart, own);
  EXPECT_EQ(pages.groups_in_use(), 2 * kMany + 1);
}

TEST(KvPages, OwnersLeaveASharedRunWithTheFirstOnesPages) {
  KvPages pages = Make(SpecOf(kPagePositions, 1), 3, 200);
  Decode(pages, {{0}}, 40);
  pages.Fork(0, 1);
  Decode(pages, {{1}}, 1);
  pages.Truncate(1, 40);
  EXPECT_EQ(pages.groups_in_use(), 3);
  const int32_t page = pages.TableOf(1).pages[1];
  Decode(pages, {{1, 0}}, 3);
  EXPECT_EQ(pages.TableOf(0).pages[1], page);
  EXPECT_EQ(pages.Owners(page), 2);
  EXPECT_EQ(pages.groups_in_use(), 2);
}

TEST(KvPages, ASharedGroupIsCopiedByBeginAndNotBefore) {
  KvPages pages = Make(SpecOf(kPagePositions, 2), 2, 100);
  Decode(pages, {{0}}, 35);
  pages.Fork(0, 1);
  const auto byte_of = [&](int32_t page) -> std::byte& {
    return pages.PageBase(2)[static_cast<size_t>(page) * pages.PageStride(2)];
  };
  const int32_t second = pages.TableOf(0).pages[1];
  const RunOwners owners = OwnersOf({{1}});
  const braid::Run run{.length = 1, .first_position = 35};
  PageTable table;
  pages.Plan(0, owners, std::span(&run, 1), {}, std::span(&table, 1));
  byte_of(second) = std::byte{9};  // a ubatch before this one
  pages.Begin(0);
  const int32_t copy = table.pages[1];
  EXPECT_NE(copy, second);
  EXPECT_EQ(byte_of(copy), std::byte{9});
  pages.Cancel(0, owners, std::span(&run, 1));
  EXPECT_EQ(pages.TableOf(1).pages[1], second);
}

TEST(KvPages, ARunHasNoPageForWhatIsNotKept) {
  // Neither a new one, nor the shared one that it begins inside of: another
  // sequence has written its own positions there.
  KvPages pages = Make(SpecOf(kLogPositions, 1), 2, 200);
  Decode(pages, {{0}}, 3);
  pages.Fork(0, 1);
  const RunOwners owners = OwnersOf({{1}});
  const braid::Run run{.length = 30, .first_position = 3};
  const Position kept = 24;
  PageTable table;
  const auto plan = [&] {
    pages.Plan(0, owners, std::span(&run, 1), std::span(&kept, 1),
               std::span(&table, 1));
    pages.Begin(0);
  };
  plan();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(table.pages[i], kNoPage);
  EXPECT_NE(table.pages[3], kNoPage);
  pages.Cancel(0, owners, std::span(&run, 1));
  EXPECT_EQ(pages.TableOf(1).pages[0], pages.TableOf(0).pages[0]);
  EXPECT_EQ(pages.groups_in_use(), 1);
  plan();
  pages.Commit(0, owners, std::span(&run, 1));
  EXPECT_EQ(pages.First(1), kept);
  EXPECT_EQ(pages.GroupsOf(1), 2);
  EXPECT_EQ(pages.Owners(pages.TableOf(0).pages[0]), 1);
}

TEST(KvPages, PagesBehindTheWindowAreGivenBack) {
  KvPages pages = Make(SpecOf(kPagePositions, 1), 2, 400);
  Decode(pages, {{0}}, 100);
  pages.Fork(0, 1);
  pages.Forget(0, 63);
  EXPECT_EQ(pages.First(0), 32);
  EXPECT_EQ(pages.groups_in_use(), 4);  // the fork has them all
  pages.Truncate(1, 0);
  EXPECT_EQ(pages.groups_in_use(), 3);
  EXPECT_EQ(pages.TableOf(0).pages[0], kNoPage);
  pages.Forget(0, 64);
  pages.Forget(0, 40);  // what is forgotten stays forgotten
  EXPECT_EQ(pages.First(0), 64);
  EXPECT_EQ(pages.GroupsOf(0), 2);
  pages.Truncate(0, 50);
  EXPECT_EQ(pages.First(0), 50);
  EXPECT_EQ(pages.groups_in_use(), 0);
}

TEST(KvPages, RestoredSequencesHaveTheGroupsThatTheyAreGiven) {
  KvPages pages = Make(SpecOf(kPagePositions, 2), 3, 600);
  pages.Restore(0, 70, 200, {});
  EXPECT_EQ(pages.First(0), 70);
  EXPECT_EQ(pages.Length(0), 200);
  EXPECT_EQ(pages.GroupsOf(0), 3);
  const auto table = pages.TableOf(0).pages;
  EXPECT_EQ(table[1], kNoPage);
  EXPECT_EQ(table[3], table[2] + 1);

  const int32_t shared[] = {pages.GroupOf(table[2]), kNoPage};
  pages.Restore(1, 64, 190, shared);
  EXPECT_EQ(pages.TableOf(1).pages[2], table[2]);
  EXPECT_NE(pages.TableOf(1).pages[4], table[4]);
  EXPECT_EQ(pages.Owners(shared[0]), 2);
  EXPECT_EQ(pages.groups_in_use(), 4);

  pages.Restore(2, 33, 33, {});  // nothing is kept
  EXPECT_EQ(pages.First(2), 33);
  EXPECT_EQ(pages.GroupsOf(2), 0);
  Decode(pages, {{2}}, 40);
  EXPECT_EQ(pages.TableOf(2).pages.size(), 4u);
  EXPECT_EQ(pages.GroupsOf(2), 2);
}

TEST(KvPages, CreateRefusesWhatMakesNoSense) {
  const auto error_of = [](const PageGroupSpec& spec, int sequences,
                           int64_t positions) -> std::string {
    MemoryLimits limits;
    limits.max_sequences = sequences;
    limits.kv_positions = positions;
    const auto pages = KvPages::Create(spec, limits);
    return pages.ok() ? "" : pages.error().message;
  };
  const PageGroupSpec spec = SpecOf(kPagePositions, 1);
  EXPECT_EQ(error_of(spec, 1, 0),
            "a model with attention layers needs room for at least 1 position, "
            "0 given: raise -c");
  EXPECT_EQ(error_of({.page_bytes = {0, 0}}, 1, 0), "");
  EXPECT_EQ(error_of(spec, 2, int64_t{1} << 31),
            "2147483648 positions for 2 sequences are too many, at most "
            "2147483647 can be numbered: lower -c");
  EXPECT_NE(error_of(spec, 1, std::numeric_limits<int64_t>::max()), "");
  EXPECT_NE(error_of(spec, std::numeric_limits<int>::max(), 100), "");
  const size_t huge = std::numeric_limits<size_t>::max() / 2;
  EXPECT_NE(error_of({.page_bytes = {8, huge}}, 1, 100), "");
  // Fits in 64 bits, not in the machine's address space.
  EXPECT_NE(error_of({.page_bytes = {size_t{1} << 58}}, 1, 100), "");
}

TEST(KvPages, WithoutLayersNothingHappens) {
  KvPages pages = Make({.page_bytes = {0, 0}}, 2, 0);
  EXPECT_FALSE(pages.present());
  Decode(pages, {{0}}, 5);
  pages.Truncate(0, 0);
  EXPECT_TRUE(pages.TableOf(0).pages.empty());
  EXPECT_EQ(pages.capacity_bytes(), 0u);
}

}  // namespace
}  // namespace braid
