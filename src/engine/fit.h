// Fit: the memory that a model needs with a set-up, told before it is tried.
//
// It is computed, in a time that does not grow with the context: weights from
// the shapes in the file (WeightScope::Tensors::kSized), cells and pages from
// the rules of the memory (memory/filled_memory.h), activations by one ubatch
// that goes through weights without data on threads that skip their work. Of
// the tensors nothing is read but the embedding of one token. Equal set-ups
// give equal numbers.
//
// What a program has beside the engine and the vocabulary is an estimate.
#ifndef BRAID_SRC_ENGINE_FIT_H_
#define BRAID_SRC_ENGINE_FIT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "braid/engine.h"
#include "engine/loaded_model.h"
#include "memory/filled_memory.h"

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

// Not thread-safe.
class Fitter {
 public:
  // Reads the file's metadata and vocabulary. Errors are those of Model::Load.
  static Result<Fitter> Open(const std::string& path,
                             const LoadOptions& options);

  // Of sequences that have grown side by side to their share of the context, or
  // to what a text can be. Errors: those of Engine::Create that are not the
  // system's; a sum overflows 64 bits.
  Result<Fit> Compute(const EngineOptions& options) const;

  const Model& model() const { return *model_; }

 private:
  Fitter() = default;

  // What a ubatch's activations depend on: its shape, threads, split policy, KV
  // type, pooling, and what is kept for going back.
  using UBatchKind = std::tuple<int64_t, int64_t, int64_t, int, SplitPolicy,
                                KvType, Pooling, int, int>;

  // Of a ubatch in the middle of that growth.
  Result<size_t> Activations(const EngineOptions& options,
                             const Filling& filling) const;
  Result<size_t> TryUBatch(const EngineOptions& options,
                           const Filling& filling) const;

  size_t program_bytes_ = 0;
  WeightUse weights_;
  std::shared_ptr<const LoadedModel> model_;
  mutable std::map<UBatchKind, size_t> activations_;  // that were asked for
};

// The shape of the growth that Compute looks at.
Filling FillingOf(const Model& model, const EngineOptions& options);

// Memory that programs can still have, as the system tells (MemAvailable); 0
// where it does not.
size_t AvailableMemory();

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_FIT_H_
