// HybridModel: Mamba's mixer and Llama's attention in turns, for tests: no
// published architecture, but every kind of memory in one sequence.
#ifndef BRAID_TESTS_CONSISTENCY_HYBRID_MODEL_H_
#define BRAID_TESTS_CONSISTENCY_HYBRID_MODEL_H_

#include <variant>
#include <vector>

#include "models/language_model.h"
#include "nn/attention.h"
#include "nn/gated_mlp.h"
#include "nn/mamba_mixer.h"
#include "nn/norm.h"
#include "nn/vocabulary_layers.h"

namespace braid {

struct HybridConfig {
  ModelShape shape;  // odd layers attend, even layers scan
  int hidden = 0;
  nn::MambaConfig mamba;
  nn::AttentionConfig attention;
  RopeConfig rope;
};

class HybridModel : public LanguageModel {
 public:
  HybridModel(WeightScope& w, const HybridConfig& config);

  MemorySpec Memory(DType kv_type) const override;
  std::vector<RopeConfig> ropes() const override { return {config_.rope}; }
  Rows Forward(Pass& pass) const override;
  void Replay(Pass& pass) const override;
  ConstRows Hidden(Compute& compute, ConstRows x) const override {
    return head_.Hidden(compute, x);
  }
  void Head(Compute& compute, ConstRows x, Rows logits) const override;

 private:
  struct Layer {
    nn::RmsNorm mixer_norm;
    std::variant<nn::MambaMixer, nn::Attention> mixer;
    nn::RmsNorm mlp_norm;
    nn::GatedMlp mlp;
  };

  HybridConfig config_;
  nn::TokenEmbedding embedding_;
  std::vector<Layer> layers_;
  nn::OutputHead head_;
};

}  // namespace braid

#endif  // BRAID_TESTS_CONSISTENCY_HYBRID_MODEL_H_
