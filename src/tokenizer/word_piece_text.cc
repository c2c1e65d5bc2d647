#include "tokenizer/word_piece_text.h"

#include "tokenizer/byte_text.h"

namespace braid {

namespace {

constexpr std::string_view kContinuation = "##";

bool IsInBrackets(std::string_view text) {
  return text.size() > 1 && text.starts_with('[') && text.ends_with(']');
}

}  // namespace

std::string MarkedWordPiece(std::string_view text) {
  if (text.starts_with(kContinuation)) {
    return std::string(text.substr(kContinuation.size()));
  }
  if (IsInBrackets(text)) return std::string(text);
  return std::string(kSpaceMark).append(text);
}

std::string UnmarkedWordPiece(std::string_view stored) {
  if (stored.starts_with(kSpaceMark)) {
    return std::string(stored.substr(kSpaceMark.size()));
  }
  if (IsInBrackets(stored)) return std::string(stored);
  return std::string(kContinuation).append(stored);
}

}  // namespace braid
