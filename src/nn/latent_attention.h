// LatentAttention: multi-head latent attention in its absorbed form.
//
// DeepSeek-AI, "DeepSeek-V2: A Strong, Economical, and Efficient
// Mixture-of-Experts Language Model", 2024, section 2.1 and appendix C.
//
//   symbol   here         GGUF key
//   d        width        embedding_length
//   n_h      heads        attention.head_count
//   d_c      rank         attention.kv_lora_rank
//   d'_c     query_rank   attention.q_lora_rank; absent: 0
//   d_h      nope         attention.key_length_mla - rope.dimension_count
//   d_h^R    rotary       rope.dimension_count
//   -        value_dim    attention.value_length_mla
//
// W^UK and W^UV, which would make keys and values of the latent vector c, are
// multiplied into the query and the output instead (end of section 2.1.2): all
// heads attend to one key, k = [rope(k^R), c], and one value, c. Prefill and
// decode take the same road, so that their bits agree; the prefill pays for it
// with scores of width d_c + d_h^R instead of d_h + d_h^R. The cache holds c
// twice, as key (transposed inside its page) and as value.
#ifndef BRAID_SRC_NN_LATENT_ATTENTION_H_
#define BRAID_SRC_NN_LATENT_ATTENTION_H_

#include <string>
#include <vector>

#include "memory/spec.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/pass.h"

namespace braid::nn {

struct LatentAttentionConfig {
  int width = 0;
  int heads = 0;
  int nope = 0;    // of a query and key head: what does not turn
  int rotary = 0;  // what turns; even
  int rank = 0;
  int query_rank = 0;  // 0: queries are one product
  int value_dim = 0;
  float scale = 0;  // of the scores
  float norm_epsilon = 0;
  int rope = 0;  // index into Pass::rope_tables

  int query_dim() const { return nope + rotary; }  // per head, as stored
  int key_dim() const { return rotary + rank; }    // as attended to
};

class LatentAttention {
 public:
  LatentAttention() = default;
  // Tensors attn_q {d, n_h (nope + rotary)}, or with query_rank attn_q_a {d,
  // query_rank}, attn_q_a_norm and attn_q_b {query_rank, n_h (nope + rotary)};
  // attn_kv_a_mqa {d, rank + rotary}, attn_kv_a_norm {rank}; attn_k_b {nope,
  // rank, n_h} and attn_v_b {rank, value_dim, n_h}, or as one attn_kv_b {rank,
  // n_h (nope + value_dim)}; attn_output {n_h value_dim, d}. `layer` is the
  // index of its memory.
  LatentAttention(WeightScope& w, const LatentAttentionConfig& config,
                  int layer);

  // {rows, d} -> {rows, d}. Writes the rows' latent vectors.
  Rows operator()(Pass& pass, ConstRows x) const;

  LayerSpec Memory(DType kv_type) const;

 private:
  // Loads attn_kv_b, whose rows are per head those of W^UK, then of W^UV.
  void LoadJoined(WeightScope& w);
  // {rows, d} -> {rows, n_h key_dim}: [rope(q^R), W^UK^T q^C] for each head.
  Rows Queries(Pass& pass, ConstRows x) const;
  // {rows, d} -> {rows, key_dim}: [rope(k^R), c]. Shows c to the observer.
  Rows Keys(Pass& pass, ConstRows x) const;

  LatentAttentionConfig config_;
  int layer_ = 0;
  Linear query_;       // without query_rank
  Linear query_down_;  // with it
  RmsNorm query_norm_;
  Linear query_up_;
  Linear kv_down_;
  RmsNorm latent_norm_;
  std::vector<PackedMatrix> key_up_;    // [n_h] {nope, rank}: W^UK^T
  std::vector<PackedMatrix> value_up_;  // [n_h] {rank, value_dim}: W^UV
  // attn_kv_b, whose input is c, by its whole name; empty: two tensors.
  std::string joined_;
  Linear output_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_LATENT_ATTENTION_H_
