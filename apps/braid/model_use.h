// What a model can be used for, and how long its texts may be: what commands
// ask before they work.
#ifndef BRAID_APPS_BRAID_MODEL_USE_H_
#define BRAID_APPS_BRAID_MODEL_USE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/engine.h"
#include "braid/model.h"
#include "braid/result.h"

namespace braid::cli {

enum class ModelKind {
  kCausal,          // predicts the next token of a text
  kEncoderDecoder,  // reads a text, then predicts the tokens of an answer
  kEncoder,         // makes rows of a whole text, and no logits
};

ModelKind KindOf(const ModelInfo& info);

// Error: `command` has no use for a model of this kind. It names `path`, the
// kind, and the commands that take it.
Status CheckUse(std::string_view command, const std::string& path,
                const ModelInfo& info);

// The positions that the model has learned, beyond which it has none; 0: any.
int LearnedPositions(const Model& model);

// What one text alone may have: the least of its bounds.
struct TextLimit {
  struct Bound {
    int64_t tokens;
    std::string flag;  // which raises it; empty: none does
  };
  std::vector<Bound> bounds;  // empty: any number of tokens

  std::optional<int64_t> tokens() const;
};
// Of a prompt or a text to embed; of a model with encoder and decoder, of what
// the encoder reads. `options` are those of an engine, or settled likewise:
// context is not 0.
TextLimit LongestText(const Model& model, const EngineOptions& options);

// Error if `tokens` are more, with every flag that must be raised: "prompt 3
// (FILE, line 7): 612 tokens, at most 512 fit: raise -c".
Status CheckLength(std::string_view name, int64_t tokens,
                   const TextLimit& limit);

enum class Kept { kStart, kEnd };
// The tokens of a text without those of its end, or of its start, that are too
// many. What the vocabulary puts around a text stays.
std::vector<TokenId> CutTokens(const Tokenizer& tokenizer,
                               std::string_view text, size_t most, Kept kept);

// Says of the first text that fills the context, and of the first that is
// longer than those that the model was trained with, on standard error. Not
// thread-safe.
class LengthNotices {
 public:
  explicit LengthNotices(const ModelInfo& info)
      : trained_(info.trained_context) {}

  void Filled(std::string_view name, int64_t context);
  void Long(std::string_view name, int64_t tokens);

 private:
  const int64_t trained_;
  bool said_filled_ = false;
  bool said_long_ = false;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_MODEL_USE_H_
