// PipelineDraft: a tokenizer.json on its way into braid.tokenizer.pipeline.
#ifndef BRAID_SRC_CONVERT_PIPELINE_DRAFT_H_
#define BRAID_SRC_CONVERT_PIPELINE_DRAFT_H_

#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "json/json.h"
#include "tokenizer/pipeline_template.h"

namespace braid::convert {

struct PipelineDraft {
  // The key's value (tokenizer/pipeline.h).
  std::string json;
  // As tokenizer.json has them: reading like SentencePiece makes scores of
  // those of the vocabulary.
  std::vector<std::string> merges;
  // Why GGUF's own keys are not enough, as "normalizer Lowercase"; empty: they
  // are, as far as can be told without the roles of the tokens.
  std::string reason;
  // What is put around a text.
  TextTemplate text_template;
};

// Of a whole tokenizer.json. `stored_texts` is what the key says of them; empty
// if it is not there. Errors: what Pipeline::Read refuses about the
// post-processor, vocabularies and merges that are none.
Result<PipelineDraft> DraftPipeline(const Json& tokenizer,
                                    std::string_view stored_texts);

// `json` of a draft without the added tokens whose ids are not below `size`,
// which the vocabulary has left out.
Result<std::string> WithTokensBelow(std::string_view json, size_t size);

// The model of a tokenizer.json; old files do not name it.
std::string ModelType(const Json& model);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_PIPELINE_DRAFT_H_
