// The normalizer of a tokenizer.json: steps that rewrite a text before it is
// cut.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_NORMALIZER_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_NORMALIZER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "json/json.h"
#include "tokenizer/pieces.h"

namespace braid {

// One step. Immutable; every method may be called from any thread.
class NormalizerStep {
 public:
  virtual ~NormalizerStep() = default;
  // Replaces `out` by `text` rewritten. Bytes that are no UTF-8 stay. Time
  // O(n log n) but for regular expressions.
  virtual void Apply(std::string_view text, std::string& out) const = 0;
  // What becomes of Piece::origin where `text`, of which it is not 0, becomes
  // `out`. Unless a step says otherwise: what the step makes of those bytes
  // alone. `scratch` is used.
  virtual size_t OriginAfter(std::string_view text, size_t origin,
                             std::string_view out, std::string& scratch) const;
  // Does it insert text that is made of no character?
  virtual bool inserts() const { return false; }
  // Does `tokenizers` do this step behind one that inserts as behind others?
  virtual bool follows_inserted() const { return false; }
};

// Immutable; every method may be called from any thread.
class PipelineNormalizer {
 public:
  // Rewrites nothing.
  PipelineNormalizer() = default;
  // Errors name the step and the option; a step that is not known is one.
  static Result<PipelineNormalizer> Read(const Json& normalizer);

  // `text` rewritten by all steps, in `storage`; `scratch` is used too.
  Piece Apply(const Piece& text, std::string& storage,
              std::string& scratch) const;

  // Does a step insert text where its pattern matches no character?
  bool inserts() const;

 private:
  std::vector<std::unique_ptr<const NormalizerStep>> steps_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_NORMALIZER_H_
