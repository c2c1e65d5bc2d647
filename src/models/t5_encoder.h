// T5's encoder alone (GGUF "t5encoder"): texts to embeddings.
//
// Papers: nn/t5_encoder.h.
//
//   symbol    here                      GGUF key
//   d_model   stack.attention.width     t5encoder.embedding_length
//   d_ff      stack.hidden              t5encoder.feed_forward_length
//   d_kv      stack.attention.key_dim   t5encoder.attention.key_length
//             stack.buckets             t5encoder.attention.
//                                         relative_buckets_count
#ifndef BRAID_SRC_MODELS_T5_ENCODER_H_
#define BRAID_SRC_MODELS_T5_ENCODER_H_

#include "braid/result.h"
#include "models/config_reader.h"
#include "models/language_model.h"
#include "nn/t5_encoder.h"
#include "nn/vocabulary_layers.h"

namespace braid {

struct T5EncoderConfig {
  ModelShape shape;
  nn::T5StackConfig stack;

  static Result<T5EncoderConfig> Read(ConfigReader& reader);
};

// The part of the metadata that encoder and decoder share; `shape` is that of
// the encoder.
Result<nn::T5StackConfig> ReadT5Stack(ConfigReader& reader,
                                      const ModelShape& shape);

class T5EncoderModel : public LanguageModel {
 public:
  // Tensors token_embd and those of nn::T5Encoder.
  T5EncoderModel(WeightScope& w, const T5EncoderConfig& config)
      : LanguageModel(config.shape),
        config_(config),
        embedding_(w, width(), vocabulary_size()),
        encoder_(w, config.stack) {}

  // Nothing is remembered between passes.
  MemorySpec Memory(DType /*kv_type*/) const override { return {}; }
  RowTraits traits() const override {
    return {.bidirectional = true, .logits = false};
  }
  Rows Forward(Pass& pass) const override;
  ConstRows Hidden(Compute& compute, ConstRows x) const override {
    return encoder_.Hidden(compute, x);
  }
  // There is no output matrix; traits() says so.
  void Head(Compute& compute, ConstRows x, Rows logits) const override;

 private:
  T5EncoderConfig config_;
  nn::TokenEmbedding embedding_;
  nn::T5Encoder encoder_;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_T5_ENCODER_H_
