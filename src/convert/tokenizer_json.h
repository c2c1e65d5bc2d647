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

// Does it hold a byte-level encoding?
bool IsByteLevel(const Json& tokenizer);

// The vocabulary that it holds: byte-level BPE (gpt2), other BPE (llama, like
// SentencePiece's: scores fall from merge to merge), unigram (t5), WordPiece
// and WordLevel (bert); and in draft.pipeline_draft all else, for
// SettlePipeline. Errors: another model, a value that is not what it should be.
Status ReadTokenizerJson(const Json& tokenizer, VocabularyDraft& draft);

// Once the roles of tokens are known: if the keys of GGUF do not say what the
// tokenizer.json says, fills in draft.pipeline and merges, and adds a notice
// why. Errors: those of MakePipelineTokenizer, which name the step and option
// that are not supported. Does nothing to a draft from other files.
Status SettlePipeline(VocabularyDraft& draft);

// "added_tokens" of a tokenizer.json, over what is there.
Status AddAddedTokens(const Json& tokenizer, VocabularyDraft& draft);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_TOKENIZER_JSON_H_
