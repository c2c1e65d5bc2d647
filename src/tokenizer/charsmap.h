// CharsMap: how a SentencePiece model rewrites characters before it cuts a
// text (compatibility forms, white space, control characters).
//
// Source: the field precompiled_charsmap of sentencepiece_model.proto: a
// double-array trie (Aoe: "An efficient digital search algorithm by using a
// double-array structure", 1989) and the replacements, in one block:
//   u32 length   bytes of the trie, little endian as all of it
//   u32 node[length / 4]
//   char[]       replacements, each ended by a zero byte
#ifndef BRAID_SRC_TOKENIZER_CHARSMAP_H_
#define BRAID_SRC_TOKENIZER_CHARSMAP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"

namespace braid {

// Immutable; every method may be called from any thread. Whatever the block
// holds, a lookup stays inside it and takes bounded time.
class CharsMap {
 public:
  // Longer keys and replacements are passed over: the rules in use (NFKC and
  // more) have up to 12 and 36 bytes.
  static constexpr size_t kLongestKey = 64;
  static constexpr size_t kLongestReplacement = 256;

  // Rewrites nothing.
  CharsMap() = default;

  // Copies `block`; an empty one rewrites nothing. Errors: a trie that is
  // empty, not whole nodes, or does not end before the block does.
  static Result<CharsMap> Make(std::string_view block);

  // Error: a key or replacement that is longer, which Longest passes over.
  // Time: 255 steps a node; for who writes a map, not for who reads one.
  Status CheckLengths() const;

  struct Match {
    size_t length = 0;  // bytes of the key; 0: no key matches
    std::string_view replacement;
  };
  // The longest key that `text` begins with.
  Match Longest(std::string_view text) const;
  // The shortest.
  Match Shortest(std::string_view text) const;

 private:
  Match Find(std::string_view text, bool longest) const;

  std::vector<uint32_t> nodes_;
  std::string replacements_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_CHARSMAP_H_
