// Reads vocabularies that are lists of words in plain files.
#ifndef BRAID_SRC_CONVERT_WORD_LISTS_H_
#define BRAID_SRC_CONVERT_WORD_LISTS_H_

#include <string>
#include <string_view>

#include "braid/result.h"
#include "convert/vocabulary_draft.h"
#include "json/json.h"

namespace braid::convert {

// vocab.json {text: id} and merges.txt ("A B" on each line, after a line that
// begins with "#version"): byte-level BPE. Which pre-tokenizer it has, only
// `tokenizer_class` of tokenizer_config.json says; error: it is not known.
Status ReadByteLevelLists(const Json& vocab, std::string_view merges,
                          const Json& tokenizer_config, VocabularyDraft& draft);

// vocab.txt: WordPiece, one token on a line. tokenizer_config.json says how
// words are normalized (do_lower_case, strip_accents).
Status ReadWordPieceList(std::string_view words, const Json& tokenizer_config,
                         VocabularyDraft& draft);

// rwkv_vocab_v20230424.txt: a line is an id, a token as Python writes bytes or
// text, and its length. Id 0, which is not in the list, ends a text.
Status ReadRwkvList(std::string_view list, VocabularyDraft& draft);

// The inside of Python's repr() of bytes: RWKV's tokens as GGUF writes them.
std::string EscapedBytes(std::string_view bytes);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_WORD_LISTS_H_
