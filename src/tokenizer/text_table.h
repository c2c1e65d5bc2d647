// TextTable: a list of byte strings in one block of memory, and the way back
// from a string to its index.
#ifndef BRAID_SRC_TOKENIZER_TEXT_TABLE_H_
#define BRAID_SRC_TOKENIZER_TEXT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"

namespace braid {

// Hash of bytes. Not for storing: `seed` should differ from table to table, so
// that no file can be made whose texts collide.
uint64_t HashText(std::string_view text, uint64_t seed);

// Immutable after Make; every method may be called from any thread.
class TextTable {
 public:
  static constexpr int32_t kNotFound = -1;

  TextTable() = default;

  // Copies `texts` (fewer than 2^31, under 4 GiB together). Only those with
  // findable[i] are found; the lowest index wins among equal texts, and an
  // empty text is never found. Errors name `what` and the size.
  static Result<TextTable> Make(std::span<const std::string_view> texts,
                                const std::vector<bool>& findable,
                                std::string_view what);

  int32_t size() const { return static_cast<int32_t>(begins_.size()) - 1; }
  std::string_view operator[](int32_t index) const {
    const uint32_t begin = begins_[static_cast<size_t>(index)];
    return {bytes_.data() + begin,
            begins_[static_cast<size_t>(index) + 1] - begin};
  }
  // Index of `text`, or kNotFound. Expected time O(text.size()).
  int32_t Find(std::string_view text) const;
  // Bytes of the longest text that can be found.
  size_t longest() const { return longest_; }

 private:
  // `check` is the upper half of the hash: most misses stop there and do not
  // touch the text.
  struct Slot {
    uint32_t check = 0;
    int32_t index = kNotFound;
  };

  void Insert(int32_t index);

  std::string bytes_;
  std::vector<uint32_t> begins_ = {0};              // and the end of the last
  std::vector<Slot> slots_ = std::vector<Slot>(1);  // a power of two of them
  uint64_t seed_ = 0;
  size_t longest_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_TEXT_TABLE_H_
