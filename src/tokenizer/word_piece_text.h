// How GGUF writes the words of WordPiece: beginnings get a mark, continuations
// lose theirs, and texts in brackets ("[CLS]") stay.
#ifndef BRAID_SRC_TOKENIZER_WORD_PIECE_TEXT_H_
#define BRAID_SRC_TOKENIZER_WORD_PIECE_TEXT_H_

#include <string>
#include <string_view>

namespace braid {

// "##xyz" is "xyz", "abc" is "\u2581abc".
std::string MarkedWordPiece(std::string_view text);

// The way back. Not every text survives both: "##[x]" does not.
std::string UnmarkedWordPiece(std::string_view stored);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_WORD_PIECE_TEXT_H_
