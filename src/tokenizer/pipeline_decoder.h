// The decoder of a tokenizer.json: steps that make a text of the texts of
// tokens.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_DECODER_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_DECODER_H_

#include <memory>
#include <string>
#include <vector>

#include "braid/result.h"
#include "json/json.h"

namespace braid {

// The texts of tokens on their way to being one.
struct DecodedParts {
  std::vector<std::string> texts;
  // Are they a middle of a longer text? Then the first is not the text's
  // first, nor the last its last.
  bool inside = false;
  // Have they been joined to one, which is the whole text?
  bool joined = false;
};

// One step. Immutable; every method may be called from any thread.
class DecoderStep {
 public:
  virtual ~DecoderStep() = default;
  virtual void Apply(DecodedParts& parts) const = 0;
};

// Immutable; every method may be called from any thread.
class PipelineDecoder {
 public:
  // Joins tokens.
  PipelineDecoder() = default;
  // Without a decoder there are spaces between tokens. Errors name the step and
  // the option; a step that is not known is one.
  static Result<PipelineDecoder> Read(const Json& decoder);

  // The text of a sequence of tokens. Where `tokenizers` writes U+FFFD for
  // bytes that are no UTF-8, the bytes stay.
  std::string Decode(std::vector<std::string> tokens) const;
  // What one token adds inside a text.
  std::string DecodeInside(std::string token) const;

 private:
  std::string Run(DecodedParts parts) const;

  std::vector<std::unique_ptr<const DecoderStep>> steps_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_DECODER_H_
