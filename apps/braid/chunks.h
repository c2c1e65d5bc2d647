// Chunks: a text cut into windows of one length, and their scores.
#ifndef BRAID_APPS_BRAID_CHUNKS_H_
#define BRAID_APPS_BRAID_CHUNKS_H_

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "braid/engine.h"
#include "braid/result.h"

namespace braid::cli {

// How a text is cut. Every chunk has `length` tokens and begins `step` after
// the one before it; those from `first_scored` on are scored, all before them
// are their context.
struct ChunkShape {
  int length = 0;
  int step = 0;
  int first_scored = 1;
  bool begins_with_bos = true;  // where the vocabulary adds one

  // One chunk after another, the second half of each is scored.
  static ChunkShape Halves(int context);
  // A chunk for every `stride` tokens, which it scores, with `context` -
  // `stride` / 2 or more before them (llama.cpp's --ppl-stride).
  static ChunkShape Strided(int context, int stride);

  int scored() const { return length - first_scored; }
};

class Chunks {
 public:
  Chunks(std::vector<TokenId> tokens, const ChunkShape& shape,
         const Tokenizer& tokenizer);

  // What is left over at the end is dropped.
  int count() const;
  const ChunkShape& shape() const { return shape_; }
  // A chunk begins as a text does.
  TokenId Token(int chunk, int i) const {
    if (i == 0 && bos_ != kNoToken) return bos_;
    return tokens_[static_cast<size_t>(chunk) * shape_.step + i];
  }

 private:
  std::vector<TokenId> tokens_;
  ChunkShape shape_;
  TokenId bos_ = kNoToken;
};

// Decodes consecutive chunks side by side, one sequence each.
class ChunkScorer {
 public:
  // `cancelled`, if given, is asked as in Engine::Decode.
  ChunkScorer(Engine& engine, const Chunks& chunks,
              std::function<bool()> cancelled = {})
      : engine_(engine), chunks_(chunks), cancelled_(std::move(cancelled)) {}

  // The log-probabilities of the scored tokens of `count` chunks from `first`
  // on, chunk after chunk. `count` is at most the engine's sequences.
  Result<std::vector<double>> Score(int first, int count);

  // Calls `on_row` with the logits before every scored token, and the token, in
  // the order of the text.
  using OnRow =
      std::function<Status(std::span<const float> logits, TokenId token)>;
  Status ScoreRows(int chunk, const OnRow& on_row);

 private:
  // Where the score of a batch entry belongs.
  struct Slot {
    int entry;
    size_t score;
  };

  Status Forget();
  Status AddChunk(int chunk, SequenceId sequence);
  Status Flush();

  Engine& engine_;
  const Chunks& chunks_;
  const std::function<bool()> cancelled_;
  Batch batch_;
  std::vector<Slot> slots_;
  std::vector<double> scores_;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_CHUNKS_H_
