// Which tokens of a vocabulary play a part, as the files of a folder say it.
#ifndef BRAID_SRC_CONVERT_TOKEN_ROLES_H_
#define BRAID_SRC_CONVERT_TOKEN_ROLES_H_

#include "braid/result.h"
#include "convert/folder_files.h"
#include "convert/hf_config.h"
#include "convert/vocabulary_draft.h"

namespace braid::convert {

// The ids of BOS, EOS and the others: texts in tokenizer_config.json and
// special_tokens_map.json come before numbers in generation_config.json and
// config.json, where -1 is none. Then every end that generation_config.json (or
// config.json) lists beyond EOS: the first two that readers do not know by
// their text become end of turn and end of message, the rest
// braid.tokenizer.end_token_ids. Error: a text or an id that is no token of the
// vocabulary.
Status AddTokenRoles(const Companions& files, const HfConfig& config,
                     VocabularyDraft& draft);

// add_bos_token and add_eos_token of tokenizer_config.json. Where the
// vocabulary is a tokenizer.json (draft.has_template), what that says wins, as
// in transformers 5, and a contradiction is noted.
void AddTokenFlags(const Companions& files, VocabularyDraft& draft);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_TOKEN_ROLES_H_
