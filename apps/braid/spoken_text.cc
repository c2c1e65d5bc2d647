#include "apps/braid/spoken_text.h"

#include <cstdint>

namespace braid::cli {

namespace {

// "<...>" or "[...]": vocabularies have marks of roles and tools that are no
// control tokens by type (DeepSeek's "<｜User｜>").
bool LooksLikeMark(std::string_view text) {
  return text.size() > 2 && ((text.front() == '<' && text.back() == '>') ||
                             (text.front() == '[' && text.back() == ']'));
}

SpecialTokens MarksOf(const Tokenizer& tokenizer) {
  std::vector<SpecialTokens::Entry> entries;
  for (TokenId token = 0; token < tokenizer.vocabulary_size(); ++token) {
    if (tokenizer.IsControl(token) ||
        LooksLikeMark(tokenizer.StoredText(token))) {
      entries.push_back({tokenizer.StoredText(token), token});
    }
  }
  return SpecialTokens(entries);
}

bool SamePlace(const Fragment& a, const Fragment& b) {
  return a.text.data() == b.text.data() && a.token == b.token;
}

// Behind the first character of `text`, which is UTF-8.
const char* BehindFirst(std::string_view text) {
  size_t length = 1;
  while (length < text.size() &&
         (static_cast<uint8_t>(text[length]) & 0xc0) == 0x80) {
    ++length;
  }
  return text.data() + length;
}

}  // namespace

SpokenTextEncoder::SpokenTextEncoder(const Tokenizer& tokenizer)
    : tokenizer_(&tokenizer), marks_(MarksOf(tokenizer)) {}

std::vector<Fragment> SpokenTextEncoder::Marks(std::string_view text) const {
  std::vector<Fragment> marks;
  for (const Fragment& fragment : marks_.Split(text)) {
    if (fragment.token != kNoToken) marks.push_back(fragment);
  }
  return marks;
}

std::vector<Fragment> SpokenTextEncoder::OwnMarks(
    std::string_view text, std::span<const chat::ByteRange> spoken) const {
  std::vector<Fragment> own;
  size_t begin = 0;
  const auto add = [&](size_t end) {
    const auto part = Marks(text.substr(begin, end - begin));
    own.insert(own.end(), part.begin(), part.end());
  };
  for (const chat::ByteRange& range : spoken) {
    add(range.begin);
    begin = range.end;
  }
  add(text.size());
  return own;
}

std::vector<Fragment> SpokenTextEncoder::FalseMarks(
    std::string_view text, const std::vector<Fragment>& own) const {
  std::vector<Fragment> found;
  for (const Fragment& mark : Marks(text)) {
    bool known = tokenizer_->IsControl(mark.token);
    bool is_own = false;
    for (const Fragment& other : own) {
      known |= other.token == mark.token;
      is_own |= SamePlace(other, mark);
    }
    if (known && !is_own) found.push_back(mark);
  }
  return found;
}

std::vector<TokenId> SpokenTextEncoder::Encode(
    std::string_view text, std::span<const chat::ByteRange> spoken,
    bool add_special) const {
  const std::vector<Fragment> own = OwnMarks(text, spoken);
  const std::vector<Fragment> false_marks = FalseMarks(text, own);
  if (false_marks.empty()) {
    return tokenizer_->Encode(
        text, {.add_special = add_special, .parse_special = true});
  }
  std::vector<TokenId> tokens;
  const char* at = text.data();
  auto cut = false_marks.begin();
  const auto add_piece = [&](const char* end) {
    if (at == end) return;
    const std::vector<TokenId> plain =
        tokenizer_->Encode(std::string_view(at, static_cast<size_t>(end - at)),
                           {.add_special = add_special && at == text.data(),
                            .parse_special = false});
    tokens.insert(tokens.end(), plain.begin(), plain.end());
    at = end;
  };
  // What is no control token by type is recognised in plain text, too: it is
  // cut in two.
  const auto add_plain = [&](const char* end) {
    for (; cut != false_marks.end() && cut->text.data() < end; ++cut) {
      if (!tokenizer_->IsControl(cut->token)) add_piece(BehindFirst(cut->text));
    }
    add_piece(end);
  };
  for (const Fragment& mark : own) {
    if (!tokenizer_->IsControl(mark.token)) continue;
    add_plain(mark.text.data());
    tokens.push_back(mark.token);
    at = mark.text.data() + mark.text.size();
  }
  add_plain(text.data() + text.size());
  return tokens;
}

}  // namespace braid::cli
