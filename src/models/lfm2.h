// LFM2 (GGUF "lfm2"): gated short convolutions, attention in some layers.
//
// Paper: Liquid AI, "LFM2 Technical Report", 2025, section 2.
//
//   symbol    here                  GGUF key (lfm2.)
//   d         width                 embedding_length
//   d_ff      hidden                feed_forward_length
//   L         taps                  shortconv.l_cache
//   n_heads   attention[].heads     attention.head_count
//   n_kv      attention[].kv_heads  attention.head_count_kv; 0: a convolution
//   theta     rope.base             rope.freq_base
//
// Files store the final norm as token_embd_norm: there is no other.
#ifndef BRAID_SRC_MODELS_LFM2_H_
#define BRAID_SRC_MODELS_LFM2_H_

#include <variant>
#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/gated_conv.h"
#include "nn/gated_mlp.h"

namespace braid {

struct Lfm2Config {
  ModelShape shape;
  int hidden = 0;
  int taps = 0;
  std::vector<nn::AttentionConfig> attention;  // [layers]; no KV heads: none
  RopeConfig rope;

  static Result<Lfm2Config> Read(ConfigReader& reader);
};

using Lfm2Mixer = std::variant<nn::GatedConv, nn::Attention>;

class Lfm2Model : public Decoder<Lfm2Mixer, nn::GatedMlp> {
 public:
  Lfm2Model(WeightScope& w, const Lfm2Config& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_LFM2_H_
