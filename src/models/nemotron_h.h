// Nemotron-H (GGUF "nemotron_h"): a layer is one part behind one norm: Mamba-2,
// attention, or an MLP with a squared ReLU.
//
// Paper: NVIDIA, "Nemotron-H: A Family of Accurate and Efficient Hybrid
// Mamba-Transformer Models", 2025, section 2.1. No positions: the Mamba-2
// layers know the order.
//
//   name here            GGUF key (nemotron_h.)
//   width                embedding_length
//   mamba.*              see nn/mamba2_mixer.h
//   attention[i].*       attention.head_count, .key_length, .value_length
//   attention[i].kv_heads attention.head_count_kv, and
//   hidden[i]            feed_forward_length, of which at most one is not 0;
//                        both 0: Mamba-2
#ifndef BRAID_SRC_MODELS_NEMOTRON_H_H_
#define BRAID_SRC_MODELS_NEMOTRON_H_H_

#include <variant>
#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/mamba2_mixer.h"
#include "nn/mlp.h"

namespace braid {

struct NemotronHConfig {
  ModelShape shape;
  nn::Mamba2Config mamba;
  std::vector<nn::AttentionConfig> attention;  // [layers]; if it has KV heads
  std::vector<int> hidden;                     // [layers]; if not 0: an MLP

  static Result<NemotronHConfig> Read(ConfigReader& reader);
};

using NemotronHPart = std::variant<nn::Mamba2Mixer, nn::Attention, nn::Mlp>;

class NemotronHModel : public Decoder<NemotronHPart> {
 public:
  NemotronHModel(WeightScope& w, const NemotronHConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_NEMOTRON_H_H_
