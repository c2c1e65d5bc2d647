// The two ends of a language model: token embedding and output head.
#ifndef BRAID_SRC_NN_VOCABULARY_LAYERS_H_
#define BRAID_SRC_NN_VOCABULARY_LAYERS_H_

#include <span>
#include <string_view>

#include "braid/types.h"
#include "nn/norm.h"
#include "nn/weight_scope.h"
#include "ops/compute.h"

namespace braid::nn {

class TokenEmbedding {
 public:
  TokenEmbedding() = default;
  // Tensor token_embd.weight {width, vocabulary}.
  TokenEmbedding(WeightScope& w, int64_t width, int64_t vocabulary);

  // [rows] -> {rows, width}. Throws std::runtime_error when the model's file
  // has lost a row: before a pass has changed anything.
  Rows operator()(Compute& compute, std::span<const TokenId> tokens) const;

 private:
  EmbeddingTable table_;
};

class OutputHead {
 public:
  OutputHead() = default;
  // Tensors `norm`.weight {width} and output.weight {width, vocabulary};
  // without the latter the head is tied to token_embd.weight.
  OutputHead(WeightScope& w, std::string_view norm, int64_t width,
             int64_t vocabulary, float epsilon);

  // {rows, width} -> {rows, width}: the final norm alone.
  Rows Hidden(Compute& compute, ConstRows x) const { return norm_(compute, x); }
  // {rows, width} -> {rows, vocabulary}, into `logits`.
  void operator()(Compute& compute, ConstRows x, Rows logits) const;

 private:
  RmsNorm norm_;
  PackedMatrix output_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_VOCABULARY_LAYERS_H_
