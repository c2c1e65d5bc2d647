#include "apps/braid/spoken_text.h"

#include <algorithm>

namespace braid::cli {

namespace {

SpecialTokens ControlTokensOf(const Tokenizer& tokenizer) {
  std::vector<SpecialTokens::Entry> entries;
  for (TokenId token = 0; token < tokenizer.vocabulary_size(); ++token) {
    if (tokenizer.IsControl(token)) {
      entries.push_back({tokenizer.StoredText(token), token});
    }
  }
  return SpecialTokens(entries);
}

bool SamePlaces(const std::vector<Fragment>& a,
                const std::vector<Fragment>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Fragment& x, const Fragment& y) {
                      return x.text.data() == y.text.data() &&
                             x.token == y.token;
                    });
}

}  // namespace

SpokenTextEncoder::SpokenTextEncoder(const Tokenizer& tokenizer)
    : tokenizer_(&tokenizer), control_(ControlTokensOf(tokenizer)) {}

std::vector<Fragment> SpokenTextEncoder::ControlTokens(
    std::string_view text) const {
  std::vector<Fragment> tokens;
  for (const Fragment& fragment : control_.Split(text)) {
    if (fragment.token != kNoToken) tokens.push_back(fragment);
  }
  return tokens;
}

std::vector<Fragment> SpokenTextEncoder::OwnControlTokens(
    std::string_view text, std::span<const chat::ByteRange> spoken) const {
  std::vector<Fragment> own;
  size_t begin = 0;
  const auto add = [&](size_t end) {
    const auto part = ControlTokens(text.substr(begin, end - begin));
    own.insert(own.end(), part.begin(), part.end());
  };
  for (const chat::ByteRange& range : spoken) {
    add(range.begin);
    begin = range.end;
  }
  add(text.size());
  return own;
}

std::vector<TokenId> SpokenTextEncoder::Encode(
    std::string_view text, std::span<const chat::ByteRange> spoken,
    bool add_special) const {
  const std::vector<Fragment> own = OwnControlTokens(text, spoken);
  if (SamePlaces(own, ControlTokens(text))) {
    return tokenizer_->Encode(
        text, {.add_special = add_special, .parse_special = true});
  }
  std::vector<TokenId> tokens;
  const char* at = text.data();
  const auto add_plain = [&](const char* end) {
    if (at == end) return;
    const std::vector<TokenId> plain =
        tokenizer_->Encode(std::string_view(at, static_cast<size_t>(end - at)),
                           {.add_special = add_special && at == text.data(),
                            .parse_special = false});
    tokens.insert(tokens.end(), plain.begin(), plain.end());
  };
  for (const Fragment& token : own) {
    add_plain(token.text.data());
    tokens.push_back(token.token);
    at = token.text.data() + token.text.size();
  }
  add_plain(text.data() + text.size());
  return tokens;
}

}  // namespace braid::cli
