#include "tokenizer/text_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "base/format.h"
#include "base/random.h"

namespace braid {

namespace {

template <class T>
uint64_t Load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// The 1 to 8 bytes at the end of a text that is `size` long, without a loop:
// two loads that overlap.
uint64_t LoadTail(const char* bytes, size_t size) {
  if (size >= 4) {
    return Load<uint32_t>(bytes) | Load<uint32_t>(bytes + size - 4) << 32;
  }
  return Load<uint8_t>(bytes) | Load<uint8_t>(bytes + size / 2) << 8 |
         Load<uint8_t>(bytes + size - 1) << 16;
}

}  // namespace

uint64_t HashText(std::string_view text, uint64_t seed) {
  uint64_t hash = seed ^ text.size() * 0x9E3779B97F4A7C15u;
  const char* bytes = text.data();
  size_t left = text.size();
  for (; left > 8; left -= 8, bytes += 8) {
    hash = MixBits(hash ^ Load<uint64_t>(bytes));
  }
  return left == 0 ? MixBits(hash) : MixBits(hash ^ LoadTail(bytes, left));
}

Result<TextTable> TextTable::Make(std::span<const std::string_view> texts,
                                  const std::vector<bool>& findable,
                                  std::string_view what) {
  size_t total = 0;
  size_t count = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    total += texts[i].size();
    count += findable[i];
  }
  if (texts.size() >= std::numeric_limits<int32_t>::max() ||
      total > std::numeric_limits<uint32_t>::max()) {
    return Error{
        Format("{}: {} texts of {} bytes, at most 2^31 - 2 of 2^32 - 1", what,
               texts.size(), total)};
  }

  TextTable table;
  table.bytes_.reserve(total);
  table.begins_.reserve(texts.size() + 1);
  for (const std::string_view text : texts) {
    table.bytes_ += text;
    table.begins_.push_back(static_cast<uint32_t>(table.bytes_.size()));
  }
  table.slots_.resize(std::bit_ceil(2 * count + 1));
  // Where the allocator put the slots differs from run to run: a seed that the
  // author of a file cannot know. No result depends on it.
  table.seed_ = MixBits(reinterpret_cast<uintptr_t>(table.slots_.data()));
  for (size_t i = 0; i < texts.size(); ++i) {
    if (findable[i] && !texts[i].empty()) {
      table.Insert(static_cast<int32_t>(i));
    }
  }
  return table;
}

void TextTable::Insert(int32_t index) {
  const std::string_view text = (*this)[index];
  if (Find(text) != kNotFound) return;
  const uint64_t hash = HashText(text, seed_);
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].index != kNotFound) at = (at + 1) & mask;
  slots_[at] = {static_cast<uint32_t>(hash >> 32), index};
  longest_ = std::max(longest_, text.size());
}

int32_t TextTable::Find(std::string_view text) const {
  if (text.size() > longest_) return kNotFound;
  const uint64_t hash = HashText(text, seed_);
  const uint32_t check = static_cast<uint32_t>(hash >> 32);
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.index == kNotFound) return kNotFound;
    if (slot.check == check && (*this)[slot.index] == text) return slot.index;
  }
}

}  // namespace braid
