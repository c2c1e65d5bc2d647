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
// batch or in several, and engine->Embedding(sequence) has it.
//
// The contract: the logits and embeddings of a sequence are the same bits
// whatever the ubatch size, the split policy, the company in the batch, the cut
// of the prompt into calls, the number of threads and the vector width of the
// CPU; whether the sequence was forked, rolled back, saved and restored, and
// whether its tokens were shared with others.
#ifndef BRAID_ENGINE_H_
#define BRAID_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

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
  // How far every sequence can go back without evaluating anything
  // (--rollback): so many positions, counted from the furthest that it has been
  // since it was empty, evaluated again from a checkpoint, or restored. So one
  // that has gone back by some can go back by the rest of them, in as many
  // steps as it likes, and by all of them when it is as long again. Layers that
  // keep all positions can always; recurrent ones and sliding windows keep what
  // that takes. 0: not at all.
  int rollback = 0;
  // Recurrent layers: a checkpoint after every so many positions, kept until
  // `checkpoint_bytes` are used in all and then the oldest is dropped first.
  // 0: none but those that Checkpoint asks for.
  int checkpoint_every = 0;                     // --checkpoint-every
  size_t checkpoint_bytes = size_t{256} << 20;  // --checkpoint-bytes
  // Bytes that all sequences' memory may use; 0: no limit but `context`
  // (--memory-limit).
  size_t memory_limit = 0;
  // Positions in the unit in which attention layers' memory is given out, a
  // multiple of 32 (--page-size).
  int page_positions = 32;
};

struct MemoryUse {
  size_t sequences = 0;  // bytes that the sequences' memory uses now
  size_t capacity = 0;   // bytes that it may use
  size_t scratch = 0;    // bytes of activations
  // Of `sequences`: checkpoints and the replay log.
  size_t checkpoints = 0;
  size_t replay_log = 0;
};

// What it took to forget positions.
struct Removal {
  int replayed = 0;     // positions rebuilt from the replay log
  int reevaluated = 0;  // tokens that went through the model again
};

// What a saved state is restored as.
struct RestoreOptions {
  // {sequence of the archive, sequence of the engine}: those are restored, each
  // replacing what the engine's sequence was, and all others stay. Empty: every
  // sequence of the archive under its own id, and all others are forgotten.
  std::vector<std::pair<SequenceId, SequenceId>> ids = {};
  // Instead of `ids`: the archive has one sequence, whatever its id, and it is
  // restored as this one; -1: no.
  SequenceId only_sequence_to = -1;
};

struct Restored {
  std::vector<SequenceId> sequences;  // of the engine, ascending
  int64_t bytes = 0;                  // of the archive
};

// Not thread-safe: one call at a time. Several engines may share a model. From
// inside `cancelled` the engine may be asked (NextPosition, Tokens, Logits,
// ...) and not changed: Decode, Fork and all others that return a Status or a
// Result refuse, and LastLogits is empty.
//
// Every argument is checked. What returns a Status or a Result says what is
// wrong with it, and changes nothing; what returns a span, a position or a
// number has an empty one, 0 or NaN for a sequence or an entry that is not
// there. Nothing throws. An exception that `cancelled` throws is a cancel, and
// the error says what it was.
//
// When memory runs out, or a file cannot be read to its end, the call returns
// an error and the engine can be used as before, with the same results. Decode
// leaves what a cancel would have left; Remove may leave fewer positions than
// were asked for, as NextPosition tells; everything else leaves the engine as
// it was before the call.
//
// A model whose tokens look both ways (ModelInfo::bidirectional) reads a text
// whole or not at all: its engine needs SplitPolicy::kWhole, a text comes in
// one batch and fits a ubatch, and its sequence is removed before the next one.
//
// A sequence is pooled from its first token on, or not at all.
class Engine {
 public:
  virtual ~Engine() = default;

  // All that the engine needs for itself is reserved here; what sequences
  // remember takes memory when it is written, and a system that promises more
  // than it has (overcommit) may end the program then.
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
  // The natural logarithm of the probability that the model gives to a target
  // (0: the first) of an entry that asked for its score. NaN for other entries
  // and targets, and for one that a cancel left undone.
  virtual double LogProbability(int entry, int target = 0) const = 0;
  // The embedding of what the sequence holds, if all its tokens were pooled:
  // ModelInfo::width values, not normalised, or the classifier's outputs with
  // Pooling::kRank; valid until the sequence changes. Empty for other
  // sequences.
  virtual std::span<const float> Embedding(SequenceId sequence) const = 0;
  // The logits after the sequence's last token, whoever decoded it and
  // whatever was wanted of it: of a restored or forked prefix without
  // evaluating it again. vocabulary_size values, valid until the next call of
  // anything. Empty for an empty sequence, after a rollback that did not
  // re-evaluate, for models without logits, and when memory runs out.
  virtual std::span<const float> LastLogits(SequenceId sequence) = 0;

  // Tokens of the encoder text that the sequence looks at; 0: it has none.
  virtual int EncoderTokens(SequenceId sequence) const = 0;
  // The position of the sequence's next token; 0 for an empty sequence.
  virtual Position NextPosition(SequenceId sequence) const = 0;
  // The sequence's tokens so far; valid until it changes.
  virtual std::span<const TokenId> Tokens(SequenceId sequence) const = 0;
  // Leading positions that two sequences share: by a fork, or because their
  // tokens were given together.
  virtual Position SharedPositions(SequenceId a, SequenceId b) const = 0;

  // Makes the empty sequence `to` remember what `from` remembers; free until
  // one of them is written to.
  virtual Status Fork(SequenceId from, SequenceId to) = 0;
  // Forgets positions [begin, end); end < 0 means to the end, and only an end
  // piece can be forgotten. Goes back by dropping pages, by the replay log, or
  // to the checkpoint at or before `begin` and through the model again from
  // there, whichever is the first that is possible. Where none is, the error
  // says how far the sequence can still go back, and what to raise. A refusal
  // changes nothing.
  virtual Result<Removal> Remove(SequenceId sequence, Position begin,
                                 Position end) = 0;
  // Forgets every other sequence.
  virtual Status Keep(SequenceId sequence) = 0;
  // Keeps a checkpoint where the sequence stands: Remove can go back to it, or
  // through it. Nothing to do for models that keep all positions.
  virtual Status Checkpoint(SequenceId sequence) = 0;

  // Writes sequences, with all that they share and carry, to a file; empty:
  // every sequence that holds anything. The file appears whole or not at all,
  // and is on the disk when the call returns.
  virtual Status Save(const std::string& path,
                      std::span<const SequenceId> sequences = {}) const = 0;
  virtual Result<std::vector<std::byte>> SaveToMemory(
      std::span<const SequenceId> sequences = {}) const = 0;
  // Takes them back, in this engine or in any other of the same model and KV
  // type. A file that is damaged, foreign or does not fit is refused with an
  // error and changes nothing.
  virtual Result<Restored> Restore(const std::string& path,
                                   const RestoreOptions& restore = {}) = 0;
  virtual Result<Restored> RestoreFromMemory(
      std::span<const std::byte> archive,
      const RestoreOptions& restore = {}) = 0;

  // Changes what has no bearing on results; what the sequences hold stays.
  virtual Status Reconfigure(int threads, int max_ubatch,
                             SplitPolicy split) = 0;

  virtual const Model& model() const = 0;
  virtual const EngineOptions& options() const = 0;
  virtual MemoryUse memory_use() const = 0;
};

}  // namespace braid

#endif  // BRAID_ENGINE_H_
