// The pre-tokenizer of a tokenizer.json: steps that cut a normalized text into
// the pieces that a model encodes one by one, and rewrite them.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_PRE_TOKENIZER_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_PRE_TOKENIZER_H_

#include <memory>
#include <vector>

#include "braid/result.h"
#include "json/json.h"
#include "tokenizer/pieces.h"

namespace braid {

// One step. Immutable; every method may be called from any thread.
class PreTokenizerStep {
 public:
  virtual ~PreTokenizerStep() = default;
  // Appends what becomes of `piece`. Time O(n) but for regular expressions.
  virtual void Apply(const Piece& piece, Pieces& out) const = 0;
  // Does it write the characters of bytes?
  virtual bool writes_bytes() const { return false; }
};

// Immutable; every method may be called from any thread.
class PipelinePreTokenizer {
 public:
  // Cuts nothing.
  PipelinePreTokenizer() = default;
  // Errors name the step and the option; a step that is not known is one.
  static Result<PipelinePreTokenizer> Read(const Json& pre_tokenizer);

  // Replaces `pieces` by those of `text`; `scratch` is used too.
  void Apply(const Piece& text, Pieces& pieces, Pieces& scratch) const;

  // Is ByteLevel one of the steps?
  bool writes_bytes() const;

 private:
  std::vector<std::unique_ptr<const PreTokenizerStep>> steps_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_PRE_TOKENIZER_H_
