// Engine: many sequences through one model.
//
//   auto model = Model::Load(path, {});
//   auto engine = Engine::Create(*model, {.max_sequences = 2});
//   Batch batch;
//   ... batch.Add(token, position, sequence, want) for every sequence ...
//   engine->Decode(batch);
//   engine->Logits(entry);  // for the entries that wanted logits
//
// For an embedding every token of the text is added with Want::kPooled, in one
// batch, and engine->Embedding(sequence) has it.
//
// The contract: the logits and embeddings of a sequence are the same bits
// whatever the ubatch size, the split policy, the company in the batch, the cut
// of the prompt into calls, the number of threads and the vector width of the
// CPU.
#ifndef BRAID_ENGINE_H_
#define BRAID_ENGINE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "braid/batch.h"
#include "braid/model.h"
#include "braid/result.h"
#include "braid/types.h"

namespace braid {

enum class KvType { kF16, kF32 };

struct EngineOptions {
  // Positions that all sequences together may hold in attention layers (-c).
  // 0: the length that the model was trained with. Recurrent layers have no
  // limit.
  int context = 0;
  int max_batch = 2048;   // tokens of one Decode (-b)
  int max_ubatch = 512;   // rows of one forward pass (-ub)
  int max_sequences = 1;  // sequence ids are 0 .. max_sequences - 1 (-np)
  int threads = 0;        // 0: one per core (-t)
  SplitPolicy split = SplitPolicy::kRagged;
  KvType kv_type = KvType::kF16;  // how keys and values are stored
  // Of embeddings. Empty: what the model's file asks for.
  std::optional<Pooling> pooling = {};
};

struct MemoryUse {
  size_t sequences = 0;  // bytes that the sequences' memory uses now
  size_t capacity = 0;   // bytes that it may use
  size_t scratch = 0;    // bytes of activations
};

// Not thread-safe: one call at a time. Several engines may share a model.
//
// A model whose tokens look both ways (ModelInfo::bidirectional) reads a text
// whole or not at all: its engine needs SplitPolicy::kWhole, a text comes in
// one batch and fits a ubatch, and its sequence is removed before the next one.
class Engine {
 public:
  virtual ~Engine() = default;

  static Result<std::unique_ptr<Engine>> Create(
      std::shared_ptr<const Model> model, const EngineOptions& options);

  // Appends the batch's tokens to their sequences. A batch that is wrong or
  // does not fit is refused with an error that names the entry or the flag to
  // raise, and changes nothing. `cancelled`, if given, is asked between
  // ubatches; after a cancel NextPosition tells how far each sequence came,
  // and the error says so.
  virtual Status Decode(const Batch& batch,
                        const std::function<bool()>& cancelled = {}) = 0;

  // Logits of an entry of the last batch that asked for them:
  // vocabulary_size values, valid until the next Decode. Empty for an entry
  // that did not ask, or that a cancel left undone.
  virtual std::span<const float> Logits(int entry) const = 0;
  // The same for entries that asked for their hidden row: ModelInfo::width
  // values.
  virtual std::span<const float> Hidden(int entry) const = 0;
  // The natural logarithm of the probability that the model gives to the target
  // of an entry that asked for its score. NaN for other entries, and for one
  // that a cancel left undone.
  virtual double LogProbability(int entry) const = 0;
  // The embedding of a text of the last batch whose tokens were all pooled:
  // ModelInfo::width values, not normalised, or the classifier's outputs with
  // Pooling::kRank; valid until the next Decode. Empty for other sequences, and
  // for one that a cancel left undone.
  virtual std::span<const float> Embedding(SequenceId sequence) const = 0;

  // Tokens of the encoder text that the sequence looks at; 0: it has none.
  virtual int EncoderTokens(SequenceId sequence) const = 0;
  // The position of the sequence's next token; 0 for an empty sequence.
  virtual Position NextPosition(SequenceId sequence) const = 0;

  // Makes the empty sequence `to` remember what `from` remembers; free until
  // one of them is written to.
  virtual Status Fork(SequenceId from, SequenceId to) = 0;
  // Forgets positions [begin, end); end < 0 means to the end. What cannot be
  // done is refused and changes nothing.
  virtual Status Remove(SequenceId sequence, Position begin, Position end) = 0;
  // Forgets every other sequence.
  virtual Status Keep(SequenceId sequence) = 0;

  virtual const Model& model() const = 0;
  virtual const EngineOptions& options() const = 0;
  virtual MemoryUse memory_use() const = 0;
};

}  // namespace braid

#endif  // BRAID_ENGINE_H_
