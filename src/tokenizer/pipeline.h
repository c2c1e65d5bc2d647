// Pipeline: a tokenizer.json but for its vocabulary and merges, as
// braid.tokenizer.pipeline holds it in a GGUF file.
//
// The key is a JSON object with the members of a tokenizer.json, as Hugging
// Face's `tokenizers` writes them: added_tokens, normalizer, pre_tokenizer,
// model, post_processor, decoder. Beside them:
//   model.merges      pairs, if a half has a space, which
//                     tokenizer.ggml.merges cannot hold
//   model.scores      numbers, if tokenizer.ggml.scores are less exact
//   outside_model     ids of added tokens that are not in the vocabulary of the
//                     model, which must not find them
//   stored_texts      "bert" if tokenizer.ggml.tokens have the marks of
//                     word_piece_text.h; absent: the texts of tokenizer.json
// docs/tokenizers.md says which steps there are.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "braid/types.h"
#include "json/json.h"
#include "tokenizer/pipeline_decoder.h"
#include "tokenizer/pipeline_normalizer.h"
#include "tokenizer/pipeline_pre_tokenizer.h"
#include "tokenizer/pipeline_template.h"

namespace braid {

inline constexpr std::string_view kPipelineKey = "braid.tokenizer.pipeline";

// A token that is looked for in a text before the model gets it.
struct AddedToken {
  TokenId id = kNoToken;
  std::string content;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;  // looked for in the normalized text
  bool special = false;
};

// Immutable once it is read; every method may be called from any thread.
struct Pipeline {
  // No longer text is read.
  static constexpr size_t kLongest = size_t{32} << 20;

  // Errors name the part, the step and the option; what is not known is one.
  static Result<Pipeline> Read(std::string_view json);

  std::vector<AddedToken> added_tokens;
  std::vector<TokenId> outside_model;
  bool texts_are_marked = false;
  PipelineNormalizer normalizer;
  PipelinePreTokenizer pre_tokenizer;
  PipelineDecoder decoder;
  TextTemplate text_template;
  Json model;  // for ReadPipelineModel
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_H_
