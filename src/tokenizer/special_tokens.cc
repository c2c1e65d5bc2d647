#include "tokenizer/special_tokens.h"

#include <algorithm>
#include <string>

#include "tokenizer/pipeline_tables.h"
#include "tokenizer/unicode_tables.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

bool IsSpace(const Utf8Char& character) {
  return character.valid && (ClassOf(character.code_point) & kSpace) != 0;
}

// Bytes of the white space that `text` begins with.
size_t SpaceAtStart(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Char character = DecodeUtf8(text, at);
    if (!IsSpace(character)) break;
    at += character.length;
  }
  return at;
}

// The character that `text`, not empty, ends with.
Utf8Char LastCharacter(std::string_view text) {
  constexpr size_t kLongest = 4;
  for (size_t length = 1; length <= std::min(text.size(), kLongest); ++length) {
    const Utf8Char last = DecodeUtf8(text, text.size() - length);
    if (last.length == length && last.valid) return last;
  }
  return DecodeUtf8(text, text.size() - 1);
}

// `text` without the white space that it ends with.
std::string_view TrimmedEnd(std::string_view text) {
  while (!text.empty()) {
    const Utf8Char last = LastCharacter(text);
    if (!IsSpace(last)) break;
    text.remove_suffix(last.length);
  }
  return text;
}

bool IsWord(const Utf8Char& character) {
  return character.valid && IsIn(pipeline_tables::kWord, character.code_point);
}

// Does a word go on at one of the ends of [begin, end)?
bool IsInsideWord(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && IsWord(LastCharacter(text.substr(0, begin)))) ||
         (end < text.size() && IsWord(DecodeUtf8(text, end)));
}

}  // namespace

SpecialTokens::SpecialTokens(const std::vector<Entry>& entries) {
  std::vector<std::string> texts;
  texts.reserve(entries.size());
  std::vector<Entry> reversed;
  for (const Entry& entry : entries) {
    if (entry.text.empty()) continue;
    texts.emplace_back(entry.text.rbegin(), entry.text.rend());
    reversed.push_back(
        {texts.back(), entry.token, entry.strip, entry.single_word});
  }
  std::stable_sort(
      reversed.begin(), reversed.end(),
      [](const Entry& a, const Entry& b) { return a.text < b.text; });
  BuildTrie(reversed);
  LinkSuffixes();
}

void SpecialTokens::BuildTrie(const std::vector<Entry>& reversed) {
  // The entries below a node: they share its `depth` first bytes.
  struct Range {
    size_t begin;
    size_t end;
    uint32_t depth;
  };
  std::vector<Range> ranges = {{0, reversed.size(), 0}};
  label_ = {0};
  for (size_t node = 0; node < ranges.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    first_child_.push_back(static_cast<Node>(ranges.size()));
    // Shorter texts sort first: those that end here lead the range.
    const bool ends_here = begin < end && reversed[begin].text.size() == depth;
    token_.push_back(ends_here ? reversed[begin].token : kNoToken);
    length_.push_back(ends_here ? depth : 0);
    strip_.push_back(ends_here ? reversed[begin].strip : Strip::kNone);
    single_word_.push_back(ends_here && reversed[begin].single_word);
    while (begin < end && reversed[begin].text.size() == depth) ++begin;
    while (begin < end) {
      const char byte = reversed[begin].text[depth];
      size_t next = begin;
      while (next < end && reversed[next].text[depth] == byte) ++next;
      ranges.push_back({begin, next, depth + 1});
      label_.push_back(static_cast<uint8_t>(byte));
      begin = next;
    }
  }
  first_child_.push_back(static_cast<Node>(ranges.size()));
}

void SpecialTokens::LinkSuffixes() {
  suffix_.assign(label_.size(), kRoot);
  for (Node child = first_child_[kRoot]; child < first_child_[kRoot + 1];
       ++child) {
    from_root_[label_[child]] = child;
  }
  // Suffixes are shorter, so in breadth-first order they are complete before
  // they are asked for.
  for (Node node = 1; node < label_.size(); ++node) {
    for (Node child = first_child_[node]; child < first_child_[node + 1];
         ++child) {
      suffix_[child] = Step(suffix_[node], label_[child]);
    }
    if (token_[node] == kNoToken) {
      token_[node] = token_[suffix_[node]];
      length_[node] = length_[suffix_[node]];
      strip_[node] = strip_[suffix_[node]];
      single_word_[node] = single_word_[suffix_[node]];
    }
  }
}

// kRoot if there is none.
SpecialTokens::Node SpecialTokens::Child(Node node, uint8_t label) const {
  if (node == kRoot) return from_root_[label];
  const auto begin = label_.begin() + first_child_[node];
  const auto end = label_.begin() + first_child_[node + 1];
  const auto found = std::lower_bound(begin, end, label);
  if (found == end || *found != label) return kRoot;
  return static_cast<Node>(found - label_.begin());
}

SpecialTokens::Node SpecialTokens::Step(Node node, uint8_t byte) const {
  while (true) {
    const Node child = Child(node, byte);
    if (child != kRoot || node == kRoot) return child;
    node = suffix_[node];
  }
}

// By descending begin.
std::vector<SpecialTokens::Match> SpecialTokens::FindMatches(
    std::string_view text) const {
  std::vector<Match> matches;
  Node node = kRoot;
  for (size_t at = text.size(); at-- > 0;) {
    node = Step(node, static_cast<uint8_t>(text[at]));
    if (token_[node] != kNoToken) {
      matches.push_back(
          {at, length_[node], token_[node], strip_[node], single_word_[node]});
    }
  }
  return matches;
}

std::vector<Fragment> SpecialTokens::Split(std::string_view text) const {
  std::vector<Fragment> fragments;
  const auto add_plain = [&](std::string_view plain) {
    if (!plain.empty()) fragments.push_back({plain});
  };
  const std::vector<Match> matches = FindMatches(text);
  size_t at = 0;         // what lies before is in fragments
  size_t searched = 0;   // no match begins before
  size_t space_end = 0;  // of the white space that was looked at last
  for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
    if (match->begin < searched) continue;
    size_t begin = match->begin;
    size_t end = searched = match->begin + match->length;
    if (match->single_word && IsInsideWord(text, begin, end)) continue;
    if (Strips(match->strip, Strip::kLeft)) {
      begin = begin <= at ? at
                          : at + TrimmedEnd(text.substr(at, begin - at)).size();
    }
    if (Strips(match->strip, Strip::kRight)) {
      if (end >= space_end) space_end = end + SpaceAtStart(text.substr(end));
      end = space_end;
    }
    if (begin > at) add_plain(text.substr(at, begin - at));
    // A token of white space may lie in what the one before took along: it is
    // one all the same, unless it takes along all of that and itself.
    if (begin < end) {
      fragments.push_back(
          {text.substr(match->begin, match->length), match->token});
    }
    at = end;
  }
  add_plain(text.substr(at));
  return fragments;
}

}  // namespace braid
