// Model: weights and vocabulary from a GGUF file, shared by any engines.
#ifndef BRAID_MODEL_H_
#define BRAID_MODEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "braid/batch.h"
#include "braid/result.h"
#include "braid/tokenizer.h"

namespace braid {

struct ModelInfo {
  std::string architecture;  // as in the file: "mamba", "llama", ...
  std::string name;          // general.name, may be empty
  int layers = 0;
  int width = 0;  // embedding length
  int vocabulary_size = 0;
  int trained_context = 0;  // tokens
  int64_t parameters = 0;
  int64_t file_bytes = 0;
  int64_t weight_bytes = 0;    // held in memory after loading
  bool recurrent = false;      // has layers with a recurrent state
  bool attention = false;      // has layers with keys and values
  bool bidirectional = false;  // a token's row depends on tokens behind it
  bool logits = true;          // false: an encoder, without output matrix
  // Sequences look at a text that an encoder has read: Batch::AddEncoder.
  bool encoder = false;
  // The token that a text of such a model starts with, or kNoToken.
  TokenId start_token = kNoToken;
  Pooling pooling = Pooling::kNone;  // of embeddings, as the file asks for
  std::string chat_template;         // tokenizer.chat_template, may be empty
};

struct LoadOptions {
  int threads = 0;  // at most 1024; 0: one per core
  // Called from the loading thread with the share that is done, in [0, 1]. What
  // it throws ends the loading, and the error says what it was.
  std::function<void(double)> progress;
  // Of a model with encoder and decoder, the encoder alone: a model of whole
  // texts, for embeddings. Others are loaded as always.
  bool encoder_only = false;
};

// Immutable after loading; every method may be called from any thread.
class Model {
 public:
  virtual ~Model() = default;

  // Errors name the file, and the key or tensor that is wrong, or say that
  // memory or threads ran out. The file may be replaced afterwards, and is not
  // to be changed: token embeddings are read from it as they are needed, and
  // what is cut off then is an error of Decode.
  static Result<std::shared_ptr<const Model>> Load(const std::string& path,
                                                   const LoadOptions& options);

  virtual const ModelInfo& info() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;
};

// The vocabulary alone; works on files without tensors.
Result<std::unique_ptr<Tokenizer>> LoadTokenizer(const std::string& path);

}  // namespace braid

#endif  // BRAID_MODEL_H_
