// Reads tokenizer.json, the format of the `tokenizers` library.
#ifndef BRAID_SRC_CONVERT_TOKENIZER_JSON_H_
#define BRAID_SRC_CONVERT_TOKENIZER_JSON_H_

#include "braid/result.h"
#include "convert/vocabulary_draft.h"
#include "json/json.h"

namespace braid::convert {

// Does it hold a byte-pair encoding like SentencePiece's? Then tokenizer.model,
// which has the scores, is the better source.
bool IsSentencePieceLike(const Json& tokenizer);

// The vocabulary that it holds: byte-level BPE (gpt2), BPE like SentencePiece's
// (llama; scores fall from merge to merge), unigram (t5), WordPiece (bert).
// Errors: another model, a pre-tokenizer without a name, a value that is not
// what it should be.
Status ReadTokenizerJson(const Json& tokenizer, VocabularyDraft& draft);

// "added_tokens" of a tokenizer.json, over what is there.
Status AddAddedTokens(const Json& tokenizer, VocabularyDraft& draft);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_TOKENIZER_JSON_H_
