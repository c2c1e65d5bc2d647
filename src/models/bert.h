// BERT (GGUF "bert": BERT, MiniLM, BGE, E5) and Nomic's BERT ("nomic-bert"):
// encoders, whose hidden rows become embeddings.
//
// Papers: Devlin et al., "BERT", 2018; Nussbaum et al., "Nomic Embed", 2024
// (rotary positions, SwiGLU, no biases).
//
//   symbol    here             GGUF key
//   H         width            A.embedding_length
//   A         attention.heads  A.attention.head_count
//   4 H       hidden           A.feed_forward_length
//             context          A.context_length: rows of position_embd
//   epsilon   norm_epsilon     A.attention.layer_norm_epsilon
//   theta     rope.base        A.rope.freq_base (nomic-bert)
#ifndef BRAID_SRC_MODELS_BERT_H_
#define BRAID_SRC_MODELS_BERT_H_

#include <optional>
#include <variant>
#include <vector>

#include "braid/result.h"
#include "models/language_model.h"
#include "nn/gated_mlp.h"
#include "nn/mlp.h"
#include "nn/norm.h"
#include "nn/text_attention.h"
#include "nn/vocabulary_layers.h"

namespace braid {

struct BertConfig {
  ModelShape shape;
  int token_types = 0;
  int hidden = 0;
  int classes = 0;  // rows of cls.output; 0: no classifier
  nn::AttentionConfig attention;
  // Nomic's: rotary positions instead of a table, and a gated MLP.
  std::optional<RopeConfig> rope = {};

  static Result<BertConfig> Read(ConfigReader& reader);
};

struct NomicBertConfig : BertConfig {
  static Result<NomicBertConfig> Read(ConfigReader& reader);
};

class BertModel : public LanguageModel {
 public:
  // Tensors token_embd, token_types {H, types}, position_embd {H, context}
  // (without rope), token_embd_norm + bias; per layer those of TextAttention
  // and the MLP, attn_output_norm and layer_output_norm + bias; with classes
  // cls {H, H} and cls.output {H, classes} + bias.
  BertModel(WeightScope& w, const BertConfig& config);

  // Nothing is remembered between passes.
  MemorySpec Memory(DType /*kv_type*/) const override { return {}; }
  std::vector<RopeConfig> ropes() const override;
  RowTraits traits() const override;
  Rows Forward(Pass& pass) const override;
  // The last layer ends with its norm: x itself.
  ConstRows Hidden(Compute& /*compute*/, ConstRows x) const override {
    return x;
  }
  // There is no output matrix; traits() says so.
  void Head(Compute& compute, ConstRows x, Rows logits) const override;
  void Classify(Compute& compute, ConstRows hidden,
                Rows classes) const override;

 private:
  struct Layer {
    nn::TextAttention attention;
    nn::LayerNorm attention_norm;
    std::variant<nn::Mlp, nn::GatedMlp> mlp;
    nn::LayerNorm output_norm;
  };

  // {rows, H}: tokens, the first token type, positions; and their norm.
  Rows Embed(Pass& pass) const;

  BertConfig config_;
  nn::TokenEmbedding embedding_;
  std::vector<float> token_type_;  // [H], of the first type
  std::vector<float> positions_;   // [context][H]
  nn::LayerNorm embedding_norm_;
  std::vector<Layer> layers_;
  std::optional<nn::Linear> classifier_hidden_;
  std::optional<nn::Linear> classifier_;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_BERT_H_
