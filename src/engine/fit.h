// Fit: the memory that a model needs with a set-up, told before it is tried.
//
// The engine itself is asked. It is built on weights without data
// (WeightScope::Tensors::kSized) and on threads that skip their work, and every
// sequence is filled to its share of the context. What such an engine allocates
// is what the real one allocates, so this process is measured for it; what it
// only would have written (packed weights, cells, pages) is counted. Of the
// tensors nothing is read but the embedding of one token.
//
// One thing is an estimate: a program has buffers of its own beside the engine.
#ifndef BRAID_SRC_ENGINE_FIT_H_
#define BRAID_SRC_ENGINE_FIT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "braid/engine.h"
#include "engine/loaded_model.h"

namespace braid {

// Bytes of memory, whole pages of the system.
struct Fit {
  size_t program = 0;     // the program, the file's metadata, the vocabulary
  size_t weights = 0;     // packed and decoded
  size_t embeddings = 0;  // tables so small that they stay mapped
  size_t cells = 0;       // recurrent states, checkpoints included
  size_t replay_log = 0;
  size_t pages = 0;    // keys and values
  size_t texts = 0;    // keys and values of encoder texts
  size_t scratch = 0;  // activations of a ubatch
  size_t logits = 0;   // rows for the caller: one per sequence
  size_t tables = 0;   // tokens, page tables, rotations, books
  // The most at once while the model is loaded, if that is more than all of the
  // above.
  size_t loading = 0;

  size_t total() const;
};

// Not thread-safe: it measures the process that it runs in.
class Fitter {
 public:
  // Reads the file's metadata and vocabulary. Errors are those of Model::Load.
  static Result<Fitter> Open(const std::string& path,
                             const LoadOptions& options);

  // Errors are those of Engine::Create.
  Result<Fit> Measure(const EngineOptions& options) const;

  const Model& model() const { return *model_; }

 private:
  Fitter() = default;

  size_t program_bytes_ = 0;
  WeightUse weights_;
  std::shared_ptr<const LoadedModel> model_;
};

// Puts every sequence, which must be empty, through the engine: its share of
// the context, side by side, and logits after every batch; with an encoder a
// text first. Errors are those of Engine::Decode.
Status FillSequences(Engine& engine);

// Memory that programs can still have, as the system tells (MemAvailable); 0
// where it does not.
size_t AvailableMemory();

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_FIT_H_
