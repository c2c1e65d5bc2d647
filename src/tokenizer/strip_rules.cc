#include "tokenizer/strip_rules.h"

#include <algorithm>
#include <initializer_list>

namespace braid {

namespace {

bool IsAnyOf(std::string_view text,
             std::initializer_list<std::string_view> others) {
  return std::find(others.begin(), others.end(), text) != others.end();
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// `part` in lower case; `name` in any.
bool Contains(std::string_view name, std::string_view part) {
  const auto same = [](char a, char b) { return Lower(a) == b; };
  return std::search(name.begin(), name.end(), part.begin(), part.end(),
                     same) != name.end();
}

}  // namespace

StripRules::StripRules(const TokenizerSpec& spec)
    : phi3_(Contains(spec.name, "phi-3") || Contains(spec.name, "phi3")) {
  if (Contains(spec.name, "modern-bert")) left_ = "[MASK]";
  if (IsAnyOf(spec.pre, {"jina-v2-de", "jina-v2-es", "jina-v2-code"}) ||
      IsAnyOf(spec.architecture, {"nomic-bert-moe", "jina-bert-v3"})) {
    left_ = "<mask>";
  }
}

Strip StripRules::Of(std::string_view text, TokenType type) const {
  if (!left_.empty() && text == left_) return Strip::kLeft;
  if (!phi3_ || IsAnyOf(text, {"<unk>", "<s>", "<|endoftext|>"})) {
    return Strip::kNone;
  }
  const bool special = type == TokenType::kControl ||
                       type == TokenType::kUserDefined ||
                       type == TokenType::kUnknown;
  return special || text == "</s>" ? Strip::kRight : Strip::kNone;
}

}  // namespace braid
