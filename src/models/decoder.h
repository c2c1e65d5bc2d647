// Decoder: the skeleton of nearly every language model, from tokens to logits:
// embedding, layers of branches beside the residual stream, final norm and
// output matrix. An architecture is a Decoder with its own parts, and says in
// its constructor what a layer is made of.
#ifndef BRAID_SRC_MODELS_DECODER_H_
#define BRAID_SRC_MODELS_DECODER_H_

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "models/language_model.h"
#include "nn/branch.h"
#include "nn/vocabulary_layers.h"
#include "ops/ops.h"

namespace braid {

// What the two ends of a decoder do beside looking up and multiplying.
struct DecoderEnds {
  std::vector<RopeConfig> ropes = {};
  std::string_view final_norm = "output_norm";
  float embedding_scale = 1;  // embeddings are multiplied by it
  float logit_scale = 1;      // so are logits,
  float logit_cap = 0;        // which then stay within it; 0: no cap
};

// Where a layer's parts come from: the tensors of one block.
class LayerScope {
 public:
  LayerScope(const WeightScope& model, const ModelShape& shape, int number)
      : w(model.Child("blk." + std::to_string(number) + ".")),
        layer(number),
        shape_(shape) {}

  // Tensor `norm`.weight, and `after`.weight if given.
  template <class Part>
  nn::Branch<Part> Branch(std::string_view norm, Part part,
                          std::string_view after = "", float scale = 1) {
    std::optional<nn::RmsNorm> second;
    if (!after.empty()) second = Norm(after);
    return {Norm(norm), std::move(part), std::move(second), scale};
  }
  nn::RmsNorm Norm(std::string_view name) {
    return nn::RmsNorm(w, name, shape_.width, shape_.norm_epsilon);
  }

  WeightScope w;
  const int layer;  // its number, and that of its memory

 private:
  const ModelShape& shape_;
};

// A layer has one branch for each of `Parts`, in this order; only the first may
// remember (nn/part.h).
template <class... Parts>
class Decoder : public LanguageModel {
 public:
  using Layer = std::tuple<nn::Branch<Parts>...>;

  MemorySpec Memory(DType kv_type) const final {
    MemorySpec spec;
    for (const Layer& layer : layers_) {
      spec.layers.push_back(nn::MemoryOf(std::get<0>(layer).part(), kv_type));
    }
    return spec;
  }

  std::vector<RopeConfig> ropes() const final { return ends_.ropes; }

  Rows Forward(Pass& pass) const final {
    Compute& compute = pass.compute;
    const Rows x = embedding_(compute, pass.tokens);  // {rows, width}
    if (ends_.embedding_scale != 1) {
      ops::ScaleInto(compute, ends_.embedding_scale, x);
    }
    for (const Layer& layer : layers_) {
      const ArenaScope scope(compute.arena);
      std::apply([&](const auto&... branch) { (branch.AddTo(pass, x), ...); },
                 layer);
    }
    return x;
  }

  void Replay(Pass& pass) const final {
    for (const Layer& layer : layers_) {
      const ArenaScope scope(pass.compute.arena);
      nn::ReplayState(std::get<0>(layer).part(), pass);
    }
  }

  ConstRows Hidden(Compute& compute, ConstRows x) const final {
    return head_.Hidden(compute, x);
  }

  void Head(Compute& compute, ConstRows x, Rows logits) const final {
    head_(compute, x, logits);
    if (ends_.logit_scale != 1) {
      ops::ScaleInto(compute, ends_.logit_scale, logits);
    }
    if (ends_.logit_cap > 0) {
      ops::SoftCapInto(compute, ends_.logit_cap, logits);
    }
  }

 protected:
  // Tensors token_embd, `ends.final_norm`, output (missing: tied to
  // token_embd), and those of make_layer(LayerScope&) -> Layer.
  template <class MakeLayer>
  Decoder(WeightScope& w, const ModelShape& shape, DecoderEnds ends,
          const MakeLayer& make_layer)
      : LanguageModel(shape),
        ends_(std::move(ends)),
        embedding_(w, shape.width, shape.vocabulary),
        head_(w, ends_.final_norm, shape.width, shape.vocabulary,
              shape.norm_epsilon) {
    for (int i = 0; i < shape.layers && w.status().ok(); ++i) {
      LayerScope blk(w, shape, i);
      layers_.push_back(make_layer(blk));
    }
  }

 private:
  DecoderEnds ends_;
  nn::TokenEmbedding embedding_;
  std::vector<Layer> layers_;
  nn::OutputHead head_;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_DECODER_H_
