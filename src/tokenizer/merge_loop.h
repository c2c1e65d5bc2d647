// MergeLoop: the loop that byte-pair encodings share. Of all adjacent pairs of
// symbols that may merge, the one of the lowest rank does, the leftmost of
// equals; again, until no pair may.
//
// Source: Sennrich, Haddow, Birch: "Neural machine translation of rare words
// with subword units" (ACL 2016), algorithm 1 applied to one word.
#ifndef BRAID_SRC_TOKENIZER_MERGE_LOOP_H_
#define BRAID_SRC_TOKENIZER_MERGE_LOOP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "braid/types.h"

namespace braid {

// A part of the piece that is being encoded.
struct Symbol {
  uint32_t begin;  // bytes from the start of the piece
  uint32_t length;
  TokenId token;  // kNoToken if no token is spelled like this
};

inline constexpr uint32_t kNoMerge = std::numeric_limits<uint32_t>::max();

// What a pair merges into; rank kNoMerge: it does not.
struct Merge {
  uint32_t rank = kNoMerge;
  TokenId token = kNoToken;
};

// Keeps its memory from piece to piece. Not thread-safe.
class MergeLoop {
 public:
  // Fill in the symbols of a piece, in order and without gaps; Run leaves
  // there what remains.
  std::vector<Symbol>& symbols() { return symbols_; }

  // find(left, right) is the Merge of two adjacent symbols. It is asked from
  // left to right, then after each merge for the pair before the new symbol and
  // the one behind it. Time O(n log n) calls and steps for n symbols.
  template <class Find>
  void Run(const Find& find) {
    if (symbols_.size() < 2) return;
    merges_.resize(symbols_.size());
    for (size_t i = 0; i + 1 < symbols_.size(); ++i) {
      merges_[i] = find(symbols_[i], symbols_[i + 1]);
    }
    merges_.back() = Merge();
    // Words are short: looking at every pair again beats keeping a queue.
    if (symbols_.size() <= kShort) {
      RunShort(find);
    } else {
      RunLong(find);
    }
  }

 private:
  static constexpr size_t kShort = 32;

  template <class Find>
  void RunShort(const Find& find) {
    size_t size = symbols_.size();
    while (true) {
      size_t best = 0;
      for (size_t i = 1; i < size; ++i) {
        if (merges_[i].rank < merges_[best].rank) best = i;
      }
      if (merges_[best].rank == kNoMerge) break;
      symbols_[best].length += symbols_[best + 1].length;
      symbols_[best].token = merges_[best].token;
      std::copy(symbols_.begin() + best + 2, symbols_.begin() + size,
                symbols_.begin() + best + 1);
      // The last entry stays "no merge".
      std::copy(merges_.begin() + best + 1, merges_.begin() + size,
                merges_.begin() + best);
      --size;
      if (best > 0) {
        merges_[best - 1] = find(symbols_[best - 1], symbols_[best]);
      }
      if (best + 1 < size) {
        merges_[best] = find(symbols_[best], symbols_[best + 1]);
      }
    }
    symbols_.resize(size);
  }

  // A linked list of symbols and a heap of (rank, index), each in one word so
  // that the order of words is the order of merging. An entry whose rank is
  // no longer that of its index is stale.
  template <class Find>
  void RunLong(const Find& find) {
    const uint32_t size = static_cast<uint32_t>(symbols_.size());
    previous_.resize(size);
    next_.resize(size);
    heap_.clear();
    for (uint32_t i = 0; i < size; ++i) {
      previous_[i] = i - 1;
      next_[i] = i + 1;
      if (merges_[i].rank != kNoMerge) heap_.push_back(Entry(i));
    }
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());

    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      const uint64_t entry = heap_.back();
      heap_.pop_back();
      const uint32_t left = static_cast<uint32_t>(entry);
      if (merges_[left].rank != entry >> 32) continue;

      const uint32_t right = next_[left];
      symbols_[left].length += symbols_[right].length;
      symbols_[left].token = merges_[left].token;
      merges_[right] = Merge();
      next_[left] = next_[right];
      if (next_[left] < size) previous_[next_[left]] = left;
      if (left > 0) Update(find, previous_[left]);
      Update(find, left);
    }

    size_t kept = 0;
    for (uint32_t i = 0; i < size; i = next_[i]) symbols_[kept++] = symbols_[i];
    symbols_.resize(kept);
  }

  // Looks up the pair that begins at `left` and queues it.
  template <class Find>
  void Update(const Find& find, uint32_t left) {
    const uint32_t right = next_[left];
    merges_[left] = right < symbols_.size()
                        ? find(symbols_[left], symbols_[right])
                        : Merge();
    if (merges_[left].rank == kNoMerge) return;
    heap_.push_back(Entry(left));
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }

  uint64_t Entry(uint32_t left) const {
    return static_cast<uint64_t>(merges_[left].rank) << 32 | left;
  }

  std::vector<Symbol> symbols_;
  std::vector<Merge> merges_;  // merges_[i]: of symbol i and the one after it
  std::vector<uint32_t> previous_;
  std::vector<uint32_t> next_;
  std::vector<uint64_t> heap_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_MERGE_LOOP_H_
