// LanguageModel: what the engine asks of an architecture.
#ifndef BRAID_SRC_MODELS_LANGUAGE_MODEL_H_
#define BRAID_SRC_MODELS_LANGUAGE_MODEL_H_

#include <vector>

#include "kernels/rope.h"
#include "memory/spec.h"
#include "models/model_shape.h"
#include "nn/pass.h"

namespace braid {

// What the engine must know of a model's rows.
struct RowTraits {
  // A row depends on rows behind it: sequences go through the model whole.
  bool bidirectional = false;
  // Encode reads texts, and every sequence must have one.
  bool encoder = false;
  TokenId start_token = kNoToken;  // of a decoder's texts
  bool logits = true;              // there is an output matrix
  // Positions are looked up in a table of this length; 0: any position.
  int positions = 0;
  int classes = 0;  // outputs of Classify; 0: no classifier
};

// Immutable after construction; every method may be called from any thread.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  int vocabulary_size() const { return shape_.vocabulary; }
  int layers() const { return shape_.layers; }
  int width() const { return shape_.width; }
  int trained_context() const { return shape_.trained_context; }
  float norm_epsilon() const { return shape_.norm_epsilon; }

  virtual MemorySpec Memory(DType kv_type) const = 0;
  // The rotations that the model uses; Pass::rope_tables has one table each,
  // long enough for the pass's positions.
  virtual std::vector<RopeConfig> ropes() const { return {}; }

  virtual RowTraits traits() const { return {}; }

  // Reads whole texts, one per run, and writes what the decoder's layers need
  // of them to Pass::cross_tables.
  virtual void Encode(Pass& /*pass*/) const {}
  // [rows] tokens -> {rows, width}: the residual stream after the last layer.
  virtual Rows Forward(Pass& pass) const = 0;
  // Advances the recurrent layers' states over the pass's runs from what
  // Forward logged of their positions. Nothing else is read or written.
  virtual void Replay(Pass& /*pass*/) const {}
  // {rows, width} -> {rows, width}: the final norm.
  virtual ConstRows Hidden(Compute& compute, ConstRows x) const = 0;
  // {rows, width} -> {rows, vocabulary_size}: final norm and output matrix.
  virtual void Head(Compute& compute, ConstRows x, Rows logits) const = 0;
  // Hidden rows {rows, width} -> {rows, classes}.
  virtual void Classify(Compute& /*compute*/, ConstRows /*hidden*/,
                        Rows /*classes*/) const {}

 protected:
  explicit LanguageModel(const ModelShape& shape) : shape_(shape) {}

 private:
  ModelShape shape_;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_LANGUAGE_MODEL_H_
