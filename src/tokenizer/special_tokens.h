// SpecialTokens: cuts the tokens that are recognised by their text (control
// tokens such as "<|im_start|>", user-defined ones) out of a text.
//
// Leftmost match first, the longest of those that begin there: what Hugging
// Face's `tokenizers` does. llama.cpp cuts out the longest token of the whole
// text first; the two differ only where such tokens overlap.
#ifndef BRAID_SRC_TOKENIZER_SPECIAL_TOKENS_H_
#define BRAID_SRC_TOKENIZER_SPECIAL_TOKENS_H_

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "braid/types.h"
#include "tokenizer/strip_rules.h"

namespace braid {

// A part of a text: a special token, or (token == kNoToken) ordinary text,
// which is never empty.
struct Fragment {
  std::string_view text;
  TokenId token = kNoToken;
};

// Immutable; every method may be called from any thread.
class SpecialTokens {
 public:
  struct Entry {
    std::string_view text;
    TokenId token;
    Strip strip = Strip::kNone;
    // Not beside a character of a word. (Another token is not looked for in
    // such a place.)
    bool single_word = false;
  };

  // Empty texts are left out; of equal texts the one listed first stays. Texts
  // are copied: about 17 bytes per byte. Time O(bytes * log(entries)).
  explicit SpecialTokens(const std::vector<Entry>& entries);

  // The fragments of `text`, views into it, without the white space that tokens
  // take along (Unicode's, as in `tokenizers`; llama.cpp has ASCII's). Time
  // O(text.size()), whatever the tokens are.
  std::vector<Fragment> Split(std::string_view text) const;

 private:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;

  struct Match {
    size_t begin;
    uint32_t length;
    TokenId token;
    Strip strip;
    bool single_word;
  };

  void BuildTrie(const std::vector<Entry>& reversed);
  void LinkSuffixes();
  Node Child(Node node, uint8_t label) const;
  Node Step(Node node, uint8_t byte) const;
  std::vector<Match> FindMatches(std::string_view text) const;

  // An automaton of Aho and Corasick ("Efficient string matching", 1975) over
  // the texts read backwards. Running it from the end of a text to its start
  // gives, at every position, the longest token that begins there; a greedy
  // walk forward then picks. Run forwards, it would have to go back after each
  // match, which is quadratic for texts like "aaaa" against {a, aaa...ab}.
  //
  // Nodes are in breadth-first order, so the children of node n are the nodes
  // [first_child_[n], first_child_[n + 1]), by ascending label.
  std::vector<Node> first_child_;
  std::vector<uint8_t> label_;  // of the edge that leads to the node
  std::vector<Node> suffix_;    // the longest proper suffix that is a node
  // The longest text that ends at the node.
  std::vector<TokenId> token_;
  std::vector<uint32_t> length_;
  std::vector<Strip> strip_;
  std::vector<bool> single_word_;
  std::array<Node, 256> from_root_ = {};
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_SPECIAL_TOKENS_H_
