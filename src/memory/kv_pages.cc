#include "memory/kv_pages.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "memory/checked_size.h"

namespace braid {

namespace {

// Pages that hold `positions` positions.
int64_t PagesFor(int64_t positions) {
  return positions / kPagePositions + (positions % kPagePositions != 0);
}

int32_t PagesOf(Position length) {
  return static_cast<int32_t>(PagesFor(length));
}

Position EndOf(const Run& run) { return run.first_position + run.length; }

}  // namespace

Result<KvPages> KvPages::Create(const MemorySpec& spec,
                                const MemoryLimits& limits) {
  bool attention = false;
  for (const LayerSpec& layer : spec.layers) attention |= layer.attention();
  int64_t pages = 0;
  if (attention) {
    if (limits.kv_positions < 1) {
      return Error{
          Format("a model with attention layers needs room for at "
                 "least 1 position, {} given: raise -c",
                 limits.kv_positions)};
    }
    pages = PagesFor(limits.kv_positions) + int64_t{2} * limits.max_sequences;
    // Positions must be numbered, too; pages are always fewer.
    if (limits.kv_positions > std::numeric_limits<Position>::max() ||
        pages > std::numeric_limits<int32_t>::max()) {
      return Error{
          Format("{} positions for {} sequences are too many, at most "
                 "{} can be numbered: lower -c",
                 limits.kv_positions, limits.max_sequences,
                 std::numeric_limits<Position>::max())};
    }
  }
  KvPages result(limits, static_cast<int32_t>(pages));
  BRAID_TRY(result.ReserveLayers(spec));
  BRAID_TRY(result.ReserveTables());
  return result;
}

Status KvPages::ReserveLayers(const MemorySpec& spec) {
  CheckedSize end = 0;
  CheckedSize page_bytes = 0;
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const CheckedSize stride =
        CheckedSize(spec.layers[i].page_bytes).RoundedUp(kAlignment);
    const CheckedSize next = end + stride * static_cast<size_t>(pages());
    page_bytes = page_bytes + stride;
    if (!next.value()) {
      return Error{
          Format("layer {}: {} pages of {} bytes overflow the address "
                 "space: lower -c",
                 i, pages(), spec.layers[i].page_bytes)};
    }
    layers_.push_back({.offset = *end.value(), .stride = *stride.value()});
    end = next;
  }
  page_bytes_ = *page_bytes.value();
  BRAID_ASSIGN(region_, MappedRegion::Create(*end.value()));
  return {};
}

Status KvPages::ReserveTables() {
  if (!present()) return {};
  const size_t sequences = static_cast<size_t>(sequences_);
  const auto tables =
      (CheckedSize(sequences) * sizeof(int32_t) * static_cast<size_t>(pages()))
          .value();
  const auto shared =
      (CheckedSize(sequences) * sizeof(Position) * sequences).value();
  if (!tables || !shared) {
    return Error{
        Format("page tables of {} sequences with {} pages overflow "
               "the address space: lower -c or -np",
               sequences_, pages())};
  }
  BRAID_ASSIGN(tables_, MappedRegion::Create(*tables));
  BRAID_ASSIGN(shared_, MappedRegion::Create(*shared));
  return {};
}

Status KvPages::CheckFits(int64_t rows) const {
  if (!present() || rows <= limit_ - positions_in_use_) return {};
  const auto users = std::count_if(length_.begin(), length_.end(),
                                   [](Position length) { return length > 0; });
  return Error{
      Format("the KV cache is full: {} more positions are needed, {} "
             "of {} are used by {} sequences: raise -c or remove a "
             "sequence",
             rows, positions_in_use_, limit_, users)};
}

void KvPages::Plan(int ubatch, std::span<const SequenceId> sequences,
                   std::span<const Run> runs, std::span<PageTable> tables) {
  if (!present()) return;
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    int32_t* table = Table(sequences[i]);
    const int32_t filled = PagesOf(run.first_position);
    if (run.first_position % kPagePositions != 0) {
      PlanCopy(ubatch, sequences[i], filled - 1);
    }
    const int32_t needed = PagesOf(EndOf(run));
    for (int32_t j = filled; j < needed; ++j) table[j] = TakePage();
    tables[i].pages = std::span(table, static_cast<size_t>(needed));
  }
}

void KvPages::PlanCopy(int ubatch, SequenceId sequence, int32_t index) {
  const int32_t page = Table(sequence)[index];
  // The last owner that writes keeps the page: every copy of a ubatch is made
  // before the ubatch writes.
  if (planned_owners_[page] <= 1) return;
  const bool planned =
      std::any_of(copies_.begin(), copies_.end(),
                  [&](const Copy& copy) { return copy.sequence == sequence; });
  if (planned) return;
  --planned_owners_[page];
  copies_.push_back({ubatch, sequence, index, page, TakePage()});
}

void KvPages::Begin(int ubatch) {
  for (const Copy& copy : copies_) {
    if (copy.ubatch != ubatch) continue;
    CopyPage(copy.from, copy.to);
    Table(copy.sequence)[copy.index] = copy.to;
  }
}

void KvPages::Commit(int ubatch, std::span<const SequenceId> sequences,
                     std::span<const Run> runs) {
  if (!present()) return;
  const auto later =
      std::find_if(copies_.begin(), copies_.end(),
                   [&](const Copy& copy) { return copy.ubatch != ubatch; });
  for (auto copy = copies_.begin(); copy != later; ++copy) {
    owners_[copy->to] = 1;
    --owners_[copy->from];
  }
  copies_.erase(copies_.begin(), later);
  for (size_t i = 0; i < runs.size(); ++i) {
    const int32_t* table = Table(sequences[i]);
    const Position end = EndOf(runs[i]);
    for (int32_t j = PagesOf(runs[i].first_position); j < PagesOf(end); ++j) {
      owners_[table[j]] = 1;
    }
    length_[sequences[i]] = end;
    positions_in_use_ += runs[i].length;
  }
}

void KvPages::Cancel(int ubatch, std::span<const SequenceId> sequences,
                     std::span<const Run> runs) {
  if (!present()) return;
  const auto drop = [&](int32_t page) {
    planned_owners_[page] = 0;
    slots_.Give(page);
  };
  for (size_t i = 0; i < runs.size(); ++i) {
    const int32_t* table = Table(sequences[i]);
    const int32_t needed = PagesOf(EndOf(runs[i]));
    for (int32_t j = PagesOf(runs[i].first_position); j < needed; ++j) {
      drop(table[j]);
    }
  }
  while (!copies_.empty() && copies_.back().ubatch == ubatch) {
    const Copy& copy = copies_.back();
    Table(copy.sequence)[copy.index] = copy.from;
    ++planned_owners_[copy.from];
    drop(copy.to);
    copies_.pop_back();
  }
}

void KvPages::Fork(SequenceId from, SequenceId to) {
  if (!present()) return;
  BRAID_CHECK(length_[to] == 0);
  const Position length = length_[from];
  const int32_t* source = Table(from);
  int32_t* table = Table(to);
  for (int32_t j = 0; j < PagesOf(length); ++j) {
    table[j] = source[j];
    planned_owners_[table[j]] = ++owners_[table[j]];
  }
  length_[to] = length;
  for (SequenceId other = 0; other < sequences_; ++other) {
    SharedRow(to)[other] = SharedRow(other)[to] = SharedRow(from)[other];
  }
  SharedRow(to)[to] = 0;
  SharedRow(from)[to] = SharedRow(to)[from] = length;
}

void KvPages::Truncate(SequenceId sequence, Position length) {
  if (!present()) return;
  const Position before = length_[sequence];
  BRAID_CHECK(length >= 0 && length <= before);
  positions_in_use_ -= before - std::max(length, SharedWithAny(sequence));
  const int32_t* table = Table(sequence);
  for (int32_t j = PagesOf(length); j < PagesOf(before); ++j) {
    ReleasePage(table[j]);
  }
  length_[sequence] = length;
  for (SequenceId other = 0; other < sequences_; ++other) {
    Position& shared = SharedRow(sequence)[other];
    // Most pairs share nothing; writing only what changes keeps the rest of
    // the mapping untouched.
    if (shared <= length) continue;
    shared = SharedRow(other)[sequence] = length;
  }
}

PageTable KvPages::TableOf(SequenceId sequence) const {
  if (!present()) return {};
  const size_t pages = static_cast<size_t>(PagesOf(length_[sequence]));
  return {std::span<const int32_t>(Table(sequence), pages)};
}

Position KvPages::SharedWithAny(SequenceId sequence) const {
  const Position* row = SharedRow(sequence);
  return *std::max_element(row, row + sequences_);
}

int32_t KvPages::TakePage() {
  const int32_t page = slots_.Take();
  planned_owners_[page] = 1;
  return page;
}

void KvPages::ReleasePage(int32_t page) {
  planned_owners_[page] = --owners_[page];
  if (owners_[page] == 0) slots_.Give(page);
}

void KvPages::CopyPage(int32_t from, int32_t to) {
  for (const Layer& layer : layers_) {
    if (layer.stride == 0) continue;
    std::byte* base = region_.data() + layer.offset;
    std::memcpy(base + static_cast<size_t>(to) * layer.stride,
                base + static_cast<size_t>(from) * layer.stride, layer.stride);
  }
}

}  // namespace braid
