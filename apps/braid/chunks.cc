#include "apps/braid/chunks.h"

#include <algorithm>

#include "base/try.h"

namespace braid::cli {

ChunkShape ChunkShape::Halves(int context) {
  return {.length = context, .step = context, .first_scored = context / 2 + 1};
}

ChunkShape ChunkShape::Strided(int context, int stride) {
  const int length = context + stride / 2;
  return {.length = length,
          .step = stride,
          .first_scored = std::max(1, length - stride),
          .begins_with_bos = false};
}

Chunks::Chunks(std::vector<TokenId> tokens, const ChunkShape& shape,
               const Tokenizer& tokenizer)
    : tokens_(std::move(tokens)), shape_(shape) {
  if (shape.begins_with_bos && tokenizer.adds_bos()) bos_ = tokenizer.bos();
}

int Chunks::count() const {
  const int tokens = static_cast<int>(tokens_.size());
  return tokens < shape_.length ? 0
                                : (tokens - shape_.length) / shape_.step + 1;
}

Result<std::vector<double>> ChunkScorer::Score(int first, int count) {
  BRAID_TRY(Forget());
  scores_.assign(static_cast<size_t>(count) * chunks_.shape().scored(), 0);
  slots_.clear();
  for (int s = 0; s < count; ++s) BRAID_TRY(AddChunk(first + s, s));
  if (batch_.size() > 0) BRAID_TRY(Flush());
  return scores_;
}

Status ChunkScorer::ScoreRows(int chunk, const OnRow& on_row) {
  BRAID_TRY(Forget());
  const ChunkShape& shape = chunks_.shape();
  // Rows as wide as the vocabulary: not more of them than a few ubatches have.
  const int most =
      std::min(engine_.options().max_batch, 2 * engine_.options().max_ubatch);
  for (int begin = 0; begin + 1 < shape.length; begin += most) {
    const int end = std::min(begin + most, shape.length - 1);
    batch_.Clear();
    for (int i = begin; i < end; ++i) {
      batch_.Add(chunks_.Token(chunk, i), i, 0,
                 i + 1 < shape.first_scored ? Want::kNothing : Want::kLogits);
    }
    BRAID_TRY(engine_.Decode(batch_, cancelled_));
    for (int i = begin; i < end; ++i) {
      if (i + 1 < shape.first_scored) continue;
      BRAID_TRY(on_row(engine_.Logits(i - begin), chunks_.Token(chunk, i + 1)));
    }
  }
  batch_.Clear();
  return {};
}

Status ChunkScorer::Forget() {
  batch_.Clear();
  for (SequenceId s = 0; s < engine_.options().max_sequences; ++s) {
    BRAID_TRY(engine_.Remove(s, 0, -1));
  }
  return {};
}

Status ChunkScorer::AddChunk(int chunk, SequenceId sequence) {
  const ChunkShape& shape = chunks_.shape();
  for (int i = 0; i < shape.length; ++i) {
    const TokenId token = chunks_.Token(chunk, i);
    const int next = i + 1;
    if (next >= shape.first_scored && next < shape.length) {
      const int entry =
          batch_.AddScored(token, i, sequence, chunks_.Token(chunk, next));
      slots_.push_back({entry, static_cast<size_t>(sequence) * shape.scored() +
                                   (next - shape.first_scored)});
    } else {
      batch_.Add(token, i, sequence, Want::kNothing);
    }
    if (batch_.size() == engine_.options().max_batch) BRAID_TRY(Flush());
  }
  return {};
}

Status ChunkScorer::Flush() {
  BRAID_TRY(engine_.Decode(batch_, cancelled_));
  for (const Slot& slot : slots_) {
    scores_[slot.score] = engine_.LogProbability(slot.entry);
  }
  slots_.clear();
  batch_.Clear();
  return {};
}

}  // namespace braid::cli
