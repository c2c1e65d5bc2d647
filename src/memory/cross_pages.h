// CrossPages: the keys and values of the texts that an encoder has read, which
// the decoder's sequences look at.
//
// A sequence has at most one such text. It is written once, never changed,
// shared by forks, and forgotten with the last sequence that has it. Texts lie
// in pages as in kv_pages.h; what the limit counts are their tokens, each text
// once. A text wastes less than a page and there are at most as many texts as
// sequences, so limit / 32 + sequences pages are enough.
//
// A part of HybridMemory. Not thread-safe.
#ifndef BRAID_SRC_MEMORY_CROSS_PAGES_H_
#define BRAID_SRC_MEMORY_CROSS_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/run.h"
#include "braid/result.h"
#include "braid/types.h"
#include "memory/free_slots.h"
#include "memory/mapped_region.h"
#include "memory/spec.h"

namespace braid {

class CrossPages {
 public:
  // Where a layer's pages lie: page p at offset + p * stride.
  struct Layer {
    size_t offset = 0;
    size_t stride = 0;
  };
  // What an object reserves.
  struct Sizes {
    int32_t pages = 0;          // 0: no layer looks at a text
    std::vector<Layer> layers;  // of the model
    size_t page_bytes = 0;      // of one page, all layers together
    size_t bytes = 0;           // of all pages
  };
  // Error: a size overflows.
  static Result<Sizes> SizesOf(const MemorySpec& spec,
                               const MemoryLimits& limits);

  // A model without an encoder gets no pages. Errors: a size overflows, or the
  // system refuses.
  static Result<CrossPages> Create(const MemorySpec& spec,
                                   const MemoryLimits& limits);

  // Does the model have an encoder?
  bool present() const { return slots_.count() > 0; }

  // Error: texts of `tokens` in all exceed the limit. Changes nothing.
  Status CheckFits(int64_t tokens) const;
  // Room for a text of `length` >= 1 tokens, to be written through TableOf. The
  // sequence has none; CheckFits has accepted the length. Throws before
  // anything has changed.
  void Add(SequenceId sequence, int32_t length);
  // Room in the books for a text of `length` tokens, whichever it will be: Add
  // cannot fail then.
  void Reserve(int32_t length);
  // `to` must have no text.
  void Fork(SequenceId from, SequenceId to);
  // Forgets the sequence's text, if it has one.
  void Release(SequenceId sequence);

  // The number of the sequence's text: equal for sequences that look at the
  // same one. kNoText: it has none.
  int32_t TextOf(SequenceId sequence) const { return text_of_[sequence]; }
  static constexpr int32_t kNoText = -1;
  // Tokens of the sequence's text; 0: it has none.
  int32_t Length(SequenceId sequence) const;
  PageTable TableOf(SequenceId sequence) const;
  // Memory of a layer: page p at PageBase + p * PageStride, 64-byte aligned.
  std::byte* PageBase(int layer) {
    return region_.data() + layers_[layer].offset;
  }
  size_t PageStride(int layer) const { return layers_[layer].stride; }

  int64_t tokens_in_use() const { return tokens_in_use_; }
  int32_t pages_in_use() const { return slots_.count() - slots_.free(); }
  // Pages from here on were never taken: no memory is behind them.
  int32_t pages_touched() const { return slots_.touched(); }
  // Of a text of `length` tokens.
  size_t BytesOf(int32_t length) const;
  // Bytes of one page, all layers together.
  size_t page_bytes() const { return page_bytes_; }
  size_t capacity_bytes() const { return region_.size(); }

 private:
  struct Text {
    int32_t owners = 0;  // sequences
    int32_t length = 0;  // tokens
    std::vector<int32_t> pages;
  };

  CrossPages(const MemoryLimits& limits, Sizes sizes);

  MappedRegion region_;
  std::vector<Layer> layers_;
  size_t page_bytes_ = 0;
  int64_t limit_;
  int64_t tokens_in_use_ = 0;
  FreeSlots slots_;
  std::vector<Text> texts_;       // [sequences]
  FreeSlots free_texts_;          // of texts_
  std::vector<int32_t> text_of_;  // [sequences] index into texts_, or kNoText
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_CROSS_PAGES_H_
