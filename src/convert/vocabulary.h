// The vocabulary of a Hugging Face folder, as the keys tokenizer.ggml.*.
#ifndef BRAID_SRC_CONVERT_VOCABULARY_H_
#define BRAID_SRC_CONVERT_VOCABULARY_H_

#include <cstdint>

#include "braid/result.h"
#include "convert/recipe.h"

namespace braid::convert {

// Adds the keys to `recipe.metadata`. `rows` is the number of tokens that the
// model has embeddings for (0: unknown); the vocabulary is filled up to it with
// unused tokens, and tokens that were added to a vocabulary and have no row are
// left out. What the files beside a vocabulary say is in it as well: tokens
// that are added, roles, chat templates, sampling. Errors: no file of a
// tokenizer that is known, other tokens without a row, a pre-tokenizer that
// GGUF has no name for, ...
Status DescribeVocabulary(Recipe& recipe, int64_t rows);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_VOCABULARY_H_
