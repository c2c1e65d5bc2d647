#include "tokenizer/byte_trie.h"

#include <algorithm>
#include <bit>

#include "base/format.h"

namespace braid {

namespace {

// 2^30 slots: nodes stay clear of kRoot and kNone.
constexpr size_t kMostNodes = (size_t{1} << 29) - 1;

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t limit = std::min(a.size(), b.size());
  size_t length = 0;
  while (length < limit && a[length] == b[length]) ++length;
  return length;
}

// In sorted order an entry adds the nodes that it does not share with the one
// before.
size_t CountNodes(const std::vector<ByteTrie::Entry>& sorted) {
  size_t nodes = 0;
  std::string_view previous;
  for (const ByteTrie::Entry& entry : sorted) {
    nodes += entry.text.size() - CommonPrefix(previous, entry.text);
    previous = entry.text;
  }
  return nodes;
}

}  // namespace

ByteTrie::ByteTrie(size_t nodes)
    : slots_(std::bit_ceil(2 * nodes + 1), Slot{kEmpty, kNoToken}),
      mask_(static_cast<Node>(slots_.size() - 1)),
      // Unknown to the author of a file, as in TextTable.
      seed_(MixBits(reinterpret_cast<uintptr_t>(slots_.data()))) {}

Result<ByteTrie> ByteTrie::Make(std::vector<Entry> entries,
                                std::string_view what) {
  std::erase_if(entries, [](const Entry& entry) {
    return entry.text.empty() || entry.text.size() > kLongest;
  });
  std::stable_sort(
      entries.begin(), entries.end(),
      [](const Entry& a, const Entry& b) { return a.text < b.text; });
  const size_t nodes = CountNodes(entries);
  if (nodes > kMostNodes) {
    return Error{Format("{}: {} different beginnings of texts, at most {}",
                        what, nodes, kMostNodes)};
  }

  ByteTrie trie(nodes);
  std::vector<Node> path;  // of the entry before: path[i] has i + 1 bytes
  std::string_view previous;
  for (const Entry& entry : entries) {
    path.resize(CommonPrefix(previous, entry.text));
    while (path.size() < entry.text.size()) {
      const uint8_t byte = static_cast<uint8_t>(entry.text[path.size()]);
      path.push_back(trie.Insert(path.empty() ? kRoot : path.back(), byte));
    }
    TokenId& token = trie.slots_[path.back()].token;
    if (token == kNoToken) token = entry.token;
    previous = entry.text;
  }
  return trie;
}

ByteTrie::Node ByteTrie::Insert(Node node, uint8_t byte) {
  const uint64_t edge = Edge(node, byte);
  Node at = First(edge);
  while (slots_[at].edge != kEmpty) at = (at + 1) & mask_;
  slots_[at].edge = edge;
  return at;
}

ByteTrie::Match ByteTrie::Longest(std::string_view text, Node from) const {
  Match longest;
  Node node = from;
  for (size_t i = 0; i < text.size(); ++i) {
    node = Step(node, static_cast<uint8_t>(text[i]));
    if (node == kNone) break;
    if (token(node) != kNoToken) longest = {i + 1, token(node)};
  }
  return longest;
}

}  // namespace braid
