// What sentence-transformers writes beside an embedding model.
#ifndef BRAID_SRC_CONVERT_EMBEDDING_MODULES_H_
#define BRAID_SRC_CONVERT_EMBEDDING_MODULES_H_

#include "braid/result.h"
#include "convert/recipe.h"

namespace braid::convert {

// A.pooling_type, for a model of any family, from modules.json and the
// config.json of its pooling module (1_Pooling without modules.json); nothing
// is written in the absence of both. Refused by name: modes of pooling other
// than mean, cls and lasttoken, several modes at once, modules that are not a
// transformer, a pooling or a normalization, lowercasing that the vocabulary
// does not do (sentence_bert_config.json: do_lower_case). Noted: what
// a program that embeds texts has to do itself, such as prompts, and a length
// above which sentence-transformers cuts texts.
//
// Comes after the vocabulary, whose keys it asks.
Status DescribeEmbedding(Recipe& recipe);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_EMBEDDING_MODULES_H_
