// Tokens that a folder's small files add to a vocabulary.
#ifndef BRAID_SRC_CONVERT_ADDED_TOKENS_H_
#define BRAID_SRC_CONVERT_ADDED_TOKENS_H_

#include <optional>
#include <string_view>

#include "braid/result.h"
#include "convert/folder_files.h"
#include "convert/vocabulary_draft.h"

namespace braid::convert {

// Adds what added_tokens_decoder of tokenizer_config.json, {id: token}, and
// added_tokens.json, {text: id}, say. The second does not say which of them are
// special: those that another file names, and those that look like a marker
// ("<|im_start|>"). Errors: an id that is none, or that the vocabulary has for
// another text. What is typed as ordinary text there gets its type from here.
//
// Where the vocabulary is a tokenizer.json (draft.has_template),
// WithFolderTokens has come before, and only contradictions are left.
Status AddFolderTokens(const Companions& files, VocabularyDraft& draft);

// A tokenizer.json with what those files add to its added_tokens. What
// contradicts it is left out.
Result<Json> WithFolderTokens(Json tokenizer, const Companions& files);

// The token that a configuration calls `text`, which a vocabulary may store in
// another way (byte-level, WordPiece's marks, RWKV's escapes).
std::optional<int64_t> FindNamed(std::string_view text, const Companions& files,
                                 const VocabularyDraft& draft);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_ADDED_TOKENS_H_
