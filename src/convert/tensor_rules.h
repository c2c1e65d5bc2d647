// TensorRules: how the tensors of a checkpoint become those of a GGUF file.
//
//   rules.Rename("embed_tokens.weight", "token_embd.weight");
//   rules.Rename("layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight",
//                {PairRotaryRows(heads)});
//   rules.Stack("layers.{}.mlp.experts.{}.up_proj.weight",
//               "blk.{}.ffn_up_exps.weight");
//   rules.Join({"layers.{}.q.weight", "layers.{}.k.weight"},
//   "blk.{}.qk.weight"); rules.Skip("layers.{}.self_attn.rotary_emb.inv_freq");
//
// "{}" stands for a number that is a whole component of a name. Several rules
// may use the same tensor (a split); one that no rule names is an error.
#ifndef BRAID_SRC_CONVERT_TENSOR_RULES_H_
#define BRAID_SRC_CONVERT_TENSOR_RULES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/result.h"
#include "convert/checkpoint.h"
#include "convert/source_tensor.h"
#include "convert/transform.h"

namespace braid::convert {

// One after another.
using Transforms = std::vector<Transform>;
// For those that differ from layer to layer; the first number of the name.
using LayerTransforms = std::function<Transforms(int64_t layer)>;

// A part of a tensor of the file: all of a source, transformed.
struct Piece {
  const SourceTensor* source;
  Transforms transforms;
};

// A tensor of the GGUF file, made of pieces that follow one another in its
// outermost dimension.
struct TargetTensor {
  std::string name;
  Shape shape;                // in PyTorch's order
  std::vector<Piece> pieces;  // none: `constant` has the values
  std::vector<float> constant;
};

// What the rules make of a checkpoint.
struct TensorMapping {
  std::vector<TargetTensor> targets;  // whole model first, then by layer
  std::vector<std::string> skipped;   // names of tensors that were left out
};

// Not thread-safe while rules are added.
class TensorRules {
 public:
  // A name that begins with `prefix` is looked up without it. Repeated, in any
  // order: "model.language_model.layers" may need two.
  void StripPrefix(std::string prefix);

  void Rename(std::string_view source, std::string_view target,
              Transforms transforms = {});
  // The same with transforms that depend on the layer.
  void RenameByLayer(std::string_view source, std::string_view target,
                     LayerTransforms transforms);
  // The source has one "{}" more than the target: its tensors, transformed,
  // become slices of a new outermost dimension.
  void Stack(std::string_view source, std::string_view target,
             Transforms transforms = {});
  // Tensors one after another in their outermost dimension, after transforms;
  // all or none of them must be there.
  void Join(const std::vector<std::string_view>& sources,
            std::string_view target, Transforms transforms = {});
  // A tensor of ours, which no source has.
  void Constant(std::string_view target, Shape shape,
                std::vector<float> values);
  // Buffers that can be computed, and parts that the file does not need. With
  // "*" at its end: every name that begins so.
  void Skip(std::string_view source);
  // The same of everything in "layers.N.", N >= `first`.
  void SkipLayersFrom(int64_t first);
  // The same, but only if the tensor `other` has the same bytes: an output
  // matrix that is the embedding.
  void SkipIfEqual(std::string_view source, std::string_view other);

  // Errors name the tensor.
  Result<TensorMapping> Apply(const Checkpoint& checkpoint) const;

 private:
  struct Rule {
    std::vector<std::string> sources;  // patterns
    std::string target;
    LayerTransforms transforms;
    bool stacks = false;
  };
  class Applier;

  // The name without the prefixes that are stripped.
  std::string_view Strip(std::string_view name) const;
  bool Skipped(std::string_view name) const;

  std::vector<std::string> prefixes_;
  std::vector<Rule> rules_;
  std::vector<std::string> skipped_;
  std::optional<int64_t> skipped_layers_;
  std::vector<std::pair<std::string, std::string>> skipped_if_equal_;
  std::vector<TargetTensor> constants_;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_TENSOR_RULES_H_
