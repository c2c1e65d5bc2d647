#include "nn/vocabulary_layers.h"

#include <stdexcept>

#include "base/check.h"
#include "ops/ops.h"
#include "tensor/codec.h"

namespace braid::nn {

TokenEmbedding::TokenEmbedding(WeightScope& w, int64_t width,
                               int64_t vocabulary)
    : table_(w.Embedding("token_embd.weight", width, vocabulary)) {}

Rows TokenEmbedding::operator()(Compute& compute,
                                std::span<const TokenId> tokens) const {
  const Rows x =
      compute.NewRows(static_cast<int64_t>(tokens.size()), table_.width);
  const ArenaScope scope(compute.arena);
  const size_t row_bytes = RowBytes(table_.stored.type, table_.width);
  std::byte* const copy = compute.arena.Allocate<std::byte>(row_bytes);
  for (size_t i = 0; i < tokens.size(); ++i) {
    BRAID_CHECK(tokens[i] >= 0 && tokens[i] < table_.count);
    const auto row = table_.stored.data.subspan(
        static_cast<size_t>(tokens[i]) * row_bytes, row_bytes);
    const bool in_file = table_.file != nullptr;
    if (in_file && !table_.file->Read(row, copy)) {
      throw std::runtime_error(
          "token_embd.weight: a row could not be read from the model's file: "
          "was it cut short since it was loaded?");
    }
    DecodeRow(table_.stored.type, in_file ? copy : row.data(), table_.width,
              x.row(static_cast<int64_t>(i)));
  }
  return x;
}

OutputHead::OutputHead(WeightScope& w, std::string_view norm, int64_t width,
                       int64_t vocabulary, float epsilon)
    : norm_(w, norm, width, epsilon),
      output_(w.Matrix(
          w.Has("output.weight") ? "output.weight" : "token_embd.weight", width,
          vocabulary)) {}

void OutputHead::operator()(Compute& compute, ConstRows x, Rows logits) const {
  const ArenaScope scope(compute.arena);
  ops::MatMulInto(compute, output_, norm_(compute, x), logits);
}

}  // namespace braid::nn
