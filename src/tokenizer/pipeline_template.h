// The post-processor of a tokenizer.json: what is put around the tokens of a
// text.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_TEMPLATE_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_TEMPLATE_H_

#include <cstdint>
#include <vector>

#include "braid/result.h"
#include "braid/types.h"
#include "json/json.h"

namespace braid {

// A token, or (kNoToken) the place of the text.
using TextTemplate = std::vector<TokenId>;

inline constexpr size_t kLongestTemplate = 1024;

// What the steps of `post_processor` make together; {kNoToken} if there is
// none. Only what they do with a single text counts: `pair` is not looked at.
// Errors name the step and the option: one that is not known, a token without
// an id, more parts than kLongestTemplate, a step that adds tokens behind a
// TemplateProcessing.
Result<TextTemplate> ReadTextTemplate(const Json& post_processor);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_TEMPLATE_H_
