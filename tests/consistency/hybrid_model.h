// HybridModel: Mamba's mixer and Llama's attention in turns, for tests: no
// published architecture, but every kind of memory in one sequence.
#ifndef BRAID_TESTS_CONSISTENCY_HYBRID_MODEL_H_
#define BRAID_TESTS_CONSISTENCY_HYBRID_MODEL_H_

#include <variant>

#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/gated_mlp.h"
#include "nn/mamba_mixer.h"

namespace braid {

struct HybridConfig {
  ModelShape shape;  // odd layers attend, even layers scan
  int hidden = 0;
  nn::MambaConfig mamba;
  nn::AttentionConfig attention;
  RopeConfig rope;
};

class HybridModel : public Decoder<std::variant<nn::MambaMixer, nn::Attention>,
                                   nn::GatedMlp> {
 public:
  HybridModel(WeightScope& w, const HybridConfig& config);
};

}  // namespace braid

#endif  // BRAID_TESTS_CONSISTENCY_HYBRID_MODEL_H_
