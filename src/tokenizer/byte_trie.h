// ByteTrie: from the bytes of a text, one at a time, to the tokens spelled by
// its beginnings.
#ifndef BRAID_SRC_TOKENIZER_BYTE_TRIE_H_
#define BRAID_SRC_TOKENIZER_BYTE_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "braid/result.h"
#include "braid/types.h"

namespace braid {

// Immutable; every method may be called from any thread.
class ByteTrie {
 public:
  struct Entry {
    std::string_view text;
    TokenId token;
  };
  // A beginning of some entry.
  using Node = uint32_t;
  static constexpr Node kRoot = std::numeric_limits<Node>::max();
  static constexpr Node kNone = kRoot - 1;

  // No entry is longer: a walk is bounded, whatever the vocabulary. The longest
  // token of models in use has about 130 bytes.
  static constexpr size_t kLongest = 512;

  // Empty and longer texts are left out; of equal texts the one listed first
  // stays. Takes 32 to 64 bytes per node. Time O(bytes * log(entries)).
  // Errors: more nodes than fit, with `what` they are of.
  static Result<ByteTrie> Make(std::vector<Entry> entries,
                               std::string_view what);

  // The node one byte further, or kNone. Expected time O(1).
  Node Step(Node node, uint8_t byte) const {
    const uint64_t edge = Edge(node, byte);
    for (Node at = First(edge);; at = (at + 1) & mask_) {
      if (slots_[at].edge == edge) return at;
      if (slots_[at].edge == kEmpty) return kNone;
    }
  }
  // The token spelled by the bytes that lead to `node`, which is not kRoot;
  // kNoToken if there is none.
  TokenId token(Node node) const { return slots_[node].token; }

  struct Match {
    size_t length = 0;
    TokenId token = kNoToken;
  };
  // The longest entry that `text` begins with; length 0 if there is none.
  // With `from`, entries are read from that node on. Time O(kLongest).
  Match Longest(std::string_view text, Node from = kRoot) const;

 private:
  // A hash table of edges; a node is the place of the edge that leads to it,
  // so a step touches one cache line.
  struct Slot {
    uint64_t edge;
    TokenId token;
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};

  static uint64_t Edge(Node node, uint8_t byte) {
    return static_cast<uint64_t>(node) << 8 | byte;
  }
  Node First(uint64_t edge) const {
    return static_cast<Node>(MixBits(edge ^ seed_)) & mask_;
  }
  explicit ByteTrie(size_t nodes);
  Node Insert(Node node, uint8_t byte);

  std::vector<Slot> slots_;  // a power of two, at most half of them filled
  Node mask_;
  uint64_t seed_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_BYTE_TRIE_H_
