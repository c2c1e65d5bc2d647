#include "tokenizer/charsmap.h"

#include <algorithm>

#include "base/format.h"

namespace braid {

namespace {

constexpr size_t kNodeBytes = 4;

uint32_t ReadNode(std::string_view block, size_t at) {
  uint32_t node = 0;
  for (size_t i = 0; i < kNodeBytes; ++i) {
    node |= static_cast<uint32_t>(static_cast<uint8_t>(block[at + i]))
            << (8 * i);
  }
  return node;
}

// The parts of a node: the distance to its children's block, the byte of the
// edge that leads to it (more than a byte: no inner node), whether a key ends
// here; for the child that stands for that end, the replacement's place.
uint32_t Base(uint32_t node) { return (node >> 10) << ((node & 0x200) >> 6); }
uint32_t Label(uint32_t node) { return node & 0x800000FF; }
bool EndsKey(uint32_t node) { return (node & 0x100) != 0; }
uint32_t ValueOf(uint32_t node) { return node & 0x7FFFFFFF; }

}  // namespace

Result<CharsMap> CharsMap::Make(std::string_view block) {
  CharsMap map;
  if (block.empty()) return map;
  const size_t length = block.size() < kNodeBytes ? 0 : ReadNode(block, 0);
  if (length == 0 || length % kNodeBytes != 0 ||
      length >= block.size() - kNodeBytes) {
    return Error{
        Format("tokenizer.ggml.precompiled_charsmap: a trie of {} bytes does "
               "not fit into a block of {}",
               length, block.size())};
  }
  for (size_t at = 0; at < length; at += kNodeBytes) {
    map.nodes_.push_back(ReadNode(block, kNodeBytes + at));
  }
  map.replacements_ = block.substr(kNodeBytes + length);
  return map;
}

Status CharsMap::CheckLengths() const {
  for (size_t begin = 0; begin < replacements_.size();) {
    const size_t end =
        std::min(replacements_.find('\0', begin), replacements_.size());
    if (end - begin > kLongestReplacement) {
      return Error{
          Format("tokenizer.ggml.precompiled_charsmap: a replacement of {} "
                 "bytes; at most {} are supported",
                 end - begin, kLongestReplacement)};
    }
    begin = end + 1;
  }
  if (nodes_.empty()) return {};

  struct Beginning {
    uint32_t children;  // where they are looked for
    size_t length;
  };
  std::vector<bool> seen(nodes_.size(), false);
  std::vector<Beginning> beginnings = {{Base(nodes_[0]), 0}};
  while (!beginnings.empty()) {
    const Beginning from = beginnings.back();
    beginnings.pop_back();
    if (from.length > kLongestKey) {
      return Error{
          Format("tokenizer.ggml.precompiled_charsmap: a key of more than {} "
                 "bytes; they are not supported",
                 kLongestKey)};
    }
    for (uint32_t byte = 1; byte < 256; ++byte) {
      const uint32_t child = from.children ^ byte;
      const bool is_child =
          child < nodes_.size() && Label(nodes_[child]) == byte && !seen[child];
      if (!is_child) continue;
      seen[child] = true;
      beginnings.push_back({child ^ Base(nodes_[child]), from.length + 1});
    }
  }
  return {};
}

CharsMap::Match CharsMap::Longest(std::string_view text) const {
  return Find(text, true);
}

CharsMap::Match CharsMap::Shortest(std::string_view text) const {
  return Find(text, false);
}

CharsMap::Match CharsMap::Find(std::string_view text, bool longest) const {
  Match found;
  if (nodes_.empty()) return found;
  // Bases are 31 bits: `at` stays below 2^32 and is checked before each use.
  uint32_t at = Base(nodes_[0]);
  for (size_t i = 0; i < std::min(text.size(), kLongestKey); ++i) {
    const uint8_t byte = static_cast<uint8_t>(text[i]);
    at ^= byte;
    if (byte == 0 || at >= nodes_.size() || Label(nodes_[at]) != byte) break;
    const bool ends_key = EndsKey(nodes_[at]);
    at ^= Base(nodes_[at]);
    if (!ends_key || at >= nodes_.size()) continue;

    const size_t begin = ValueOf(nodes_[at]);
    if (begin >= replacements_.size()) continue;
    const std::string_view rest =
        std::string_view(replacements_).substr(begin, kLongestReplacement + 1);
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) continue;
    found = {i + 1, rest.substr(0, end)};
    if (!longest) break;
  }
  return found;
}

}  // namespace braid
