// The vocabulary of a SentencePiece model file.
#ifndef BRAID_SRC_CONVERT_SENTENCEPIECE_FILE_H_
#define BRAID_SRC_CONVERT_SENTENCEPIECE_FILE_H_

#include <string_view>

#include "braid/result.h"
#include "convert/vocabulary_draft.h"

namespace braid::convert {

// Puts all of tokenizer.model into an empty draft; its notices say what only
// Braid will read, and what is not used. Errors: those of
// ReadSentencePieceModel and of the tokenizer that is made of it.
Status ReadSentencePieceFile(std::string_view bytes, VocabularyDraft& draft);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_SENTENCEPIECE_FILE_H_
