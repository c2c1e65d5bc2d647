// T5 (GGUF "t5": T5, T5 1.1, Flan-T5, UMT5): an encoder reads a text, a decoder
// looks at it and writes another.
//
// Papers: nn/t5_encoder.h; Vaswani et al., "Attention Is All You Need", 2017,
// figure 1.
//
//   symbol    here                      GGUF key
//   d_model   stack.attention.width     t5.embedding_length
//   d_ff      stack.hidden              t5.feed_forward_length
//   d_kv      stack.attention.key_dim   t5.attention.key_length
//             stack.layers              t5.block_count: of the encoder
//             decoder_layers            t5.decoder_block_count, else the same
//             start_token               t5.decoder_start_token_id
//             stack.buckets             t5.attention.relative_buckets_count
#ifndef BRAID_SRC_MODELS_T5_H_
#define BRAID_SRC_MODELS_T5_H_

#include <vector>

#include "braid/result.h"
#include "models/language_model.h"
#include "nn/attention.h"
#include "nn/cross_attention.h"
#include "nn/t5_encoder.h"
#include "nn/vocabulary_layers.h"

namespace braid {

struct T5Config {
  ModelShape shape;
  TokenId start_token = kNoToken;
  nn::T5StackConfig stack;

  static Result<T5Config> Read(ConfigReader& reader);
};

class T5Model : public LanguageModel {
 public:
  // Tensors token_embd, those of nn::T5Encoder; dec.blk.N.: attn_norm, attn_q,
  // attn_k, attn_v, attn_o, attn_rel_b {heads, buckets} (layer 0, and others
  // that have their own), cross_attn_norm, those of CrossAttention, ffn_norm,
  // those of the MLP; dec.output_norm; output, or it is token_embd.
  T5Model(WeightScope& w, const T5Config& config);

  MemorySpec Memory(DType kv_type) const override;
  RowTraits traits() const override {
    return {.encoder = true, .start_token = config_.start_token};
  }
  void Encode(Pass& pass) const override;
  Rows Forward(Pass& pass) const override;
  ConstRows Hidden(Compute& compute, ConstRows x) const override {
    return output_norm_(compute, x);
  }
  void Head(Compute& compute, ConstRows x, Rows logits) const override;

 private:
  struct Layer {
    nn::RmsNorm attention_norm;
    nn::Attention attention;
    nn::BucketedBias bias;  // empty: the first layer's
    nn::RmsNorm cross_norm;
    nn::CrossAttention cross;
    nn::RmsNorm mlp_norm;
    nn::T5Mlp mlp;
  };

  T5Config config_;
  nn::TokenEmbedding embedding_;
  nn::T5Encoder encoder_;
  std::vector<Layer> layers_;
  nn::RmsNorm output_norm_;
  PackedMatrix output_;
  // Mesh TensorFlow's rule for a shared matrix: d_model^-0.5, else 1.
  float output_scale_ = 1;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_T5_H_
