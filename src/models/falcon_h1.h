// Falcon-H1 (GGUF "falcon-h1"): attention and Mamba-2 side by side in every
// layer, then an MLP.
//
// Paper: Zuo et al., "Falcon-H1: A Family of Hybrid-Head Language Models",
// 2025, section 2. Its multipliers are part of the weights of a file.
//
//   symbol    here                 GGUF key (falcon-h1.)
//   d         width                embedding_length
//   d_ff      hidden               feed_forward_length
//   n_heads   attention.heads      attention.head_count
//   n_kv      attention.kv_heads   attention.head_count_kv
//   theta     rope.base            rope.freq_base
//   -         mamba.*              ssm.*; see nn/mamba2_mixer.h
//
// The norm before the MLP is called ffn_norm, without ".weight", in files of
// the usual converter; both names are read.
#ifndef BRAID_SRC_MODELS_FALCON_H1_H_
#define BRAID_SRC_MODELS_FALCON_H1_H_

#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/gated_mlp.h"
#include "nn/mamba2_mixer.h"

namespace braid {

struct FalconH1Config {
  ModelShape shape;
  int hidden = 0;
  nn::AttentionConfig attention;
  RopeConfig rope;
  nn::Mamba2Config mamba;

  static Result<FalconH1Config> Read(ConfigReader& reader);
};

// Both on the same rows; what they answer is added.
struct ParallelMixers {
  nn::Attention attention;
  nn::Mamba2Mixer mamba;

  Rows operator()(Pass& pass, ConstRows x) const;
  void Replay(Pass& pass) const { mamba.Replay(pass); }
  LayerSpec Memory(DType kv_type) const;
};

class FalconH1Model : public Decoder<ParallelMixers, nn::GatedMlp> {
 public:
  FalconH1Model(WeightScope& w, const FalconH1Config& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_FALCON_H1_H_
