// The kinds of model that a tokenizer.json may have, one file each.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_MODEL_KINDS_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_MODEL_KINDS_H_

#include <memory>
#include <string_view>

#include "braid/result.h"
#include "tokenizer/pipeline_model.h"
#include "tokenizer/step_options.h"

namespace braid {

using MadeModel = Result<std::unique_ptr<const PipelineModel>>;

MadeModel MakePipelineBpe(StepOptions& options, const ModelParts& parts);
MadeModel MakePipelineUnigram(StepOptions& options, const ModelParts& parts);
MadeModel MakePipelineWordLevel(StepOptions& options, const ModelParts& parts);
MadeModel MakePipelineWordPiece(StepOptions& options, const ModelParts& parts);

// The token that `option` names; kNoToken if it is absent. Error: the model
// has no such token.
Result<TokenId> ReadUnknownToken(StepOptions& options, const ModelParts& parts,
                                 std::string_view default_text);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_MODEL_KINDS_H_
