// Embeddings: the hidden rows of a batch's texts, pooled.
//
// A text may come in several ubatches; its rows come in position order. What is
// kept of it depends on nothing else, so its embedding does not either.
#ifndef BRAID_SRC_ENGINE_EMBEDDINGS_H_
#define BRAID_SRC_ENGINE_EMBEDDINGS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "braid/batch.h"
#include "tensor/rows.h"

namespace braid {

// Keeps its buffers; allocates only when a batch has more texts than any
// before. Not thread-safe.
class Embeddings {
 public:
  // `width` of the hidden rows; `pooling` is not kNone unless no batch asks.
  Embeddings(Pooling pooling, int64_t width)
      : pooling_(pooling), width_(width) {}

  // Forgets the last batch; the texts of this one are those whose entries are
  // pooled.
  void Begin(const Batch& batch);

  // Which of a text's next `count` rows, the first at `position`, enter its
  // embedding: [begin, end) of them.
  struct Needed {
    int32_t begin = 0;
    int32_t end = 0;
  };
  Needed RowsNeeded(SequenceId sequence, Position position,
                    int32_t count) const;
  // The hidden rows that RowsNeeded named.
  void Add(SequenceId sequence, ConstRows hidden);
  // The text has advanced by `count` rows.
  void Advance(SequenceId sequence, int32_t count);

  // Of a text whose rows were all there; empty for others.
  std::span<const float> Embedding(SequenceId sequence) const;

 private:
  struct Text {
    int32_t length = 0;  // tokens of the batch
    int32_t done = 0;
  };

  // Null if the batch does not pool the sequence.
  const Text* Find(SequenceId sequence) const;
  Text& Known(SequenceId sequence);
  size_t OffsetOf(const Text& text) const {
    return static_cast<size_t>(&text - texts_.data()) *
           static_cast<size_t>(width_);
  }

  Pooling pooling_;
  int64_t width_;
  std::vector<int32_t> text_of_;  // [sequences that were seen], kNoText: none
  std::vector<Text> texts_;       // by first appearance
  std::vector<double> sums_;      // [texts][width]; kMean only
  std::vector<float> rows_;       // [texts][width]
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_EMBEDDINGS_H_
