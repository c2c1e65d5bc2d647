// OpenELM (GGUF "openelm"): the layers grow from the first to the last.
//
// Paper: Mehta et al., "OpenELM", 2024, section 2.1 and table 9.
//
//   symbol    here                   GGUF key
//   d_model   width                  openelm.embedding_length
//   n_h^i     attention[i].heads     openelm.attention.head_count[i]
//   -         attention[i].kv_heads  openelm.attention.head_count_kv[i]
//   d_h       attention[i].key_dim   openelm.attention.key_length
//   d_FFN^i   hidden[i]              openelm.feed_forward_length[i]
#ifndef BRAID_SRC_MODELS_OPENELM_H_
#define BRAID_SRC_MODELS_OPENELM_H_

#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/gated_mlp.h"

namespace braid {

struct OpenElmConfig {
  ModelShape shape;
  std::vector<int> hidden;                     // [layers]
  std::vector<nn::AttentionConfig> attention;  // [layers]
  RopeConfig rope;

  static Result<OpenElmConfig> Read(ConfigReader& reader);
};

class OpenElmModel : public Decoder<nn::Attention, nn::GatedMlp> {
 public:
  OpenElmModel(WeightScope& w, const OpenElmConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_OPENELM_H_
