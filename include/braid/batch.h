// Batch: the tokens of one decode call, of any number of sequences.
#ifndef BRAID_BATCH_H_
#define BRAID_BATCH_H_

#include <cstddef>
#include <span>
#include <vector>

#include "braid/types.h"

namespace braid {

// What a token's row is wanted for.
enum class Want : unsigned char {
  kNothing,  // the token only becomes part of its sequence's memory
  kLogits,   // logits over the vocabulary
  kHidden,   // the hidden row that logits are made of: after the final norm
  kPooled,   // the token counts for the embedding of its sequence
  kScore,    // the log-probability of one token as the next: AddScored
};

// How the hidden rows of a text become its embedding.
enum class Pooling : unsigned char {
  kNone,
  kMean,   // added in position order in double precision, divided, rounded
  kFirst,  // the first token's, BERT's [CLS]
  kLast,   // the last token's
  kRank,   // what the model's classifier says of the first token's
};

// Tokens of different sequences may be interleaved in any way; those of one
// sequence come in position order without gaps. Results are asked for by the
// index in call order. Clear() keeps the memory. Not thread-safe.
class Batch {
 public:
  struct Entry {
    TokenId token;
    Position position;
    SequenceId sequence;
    Want want;
    TokenId target = 0;  // of kScore
  };

  // Returns the index of the entry.
  int Add(TokenId token, Position position, SequenceId sequence, Want want) {
    entries_.push_back({token, position, sequence, want});
    return size() - 1;
  }
  // Wants to know how likely `target` is to follow. Unlike logits, that keeps
  // no value for every token of the vocabulary.
  int AddScored(TokenId token, Position position, SequenceId sequence,
                TokenId target) {
    entries_.push_back({token, position, sequence, Want::kScore, target});
    return size() - 1;
  }
  // A text for the encoder of a model that has one (ModelInfo::encoder): the
  // sequence, which must be empty, looks at it from then on. Its tokens count
  // as the batch's, and must fit a ubatch.
  void AddEncoder(std::span<const TokenId> tokens, SequenceId sequence) {
    encoder_texts_.push_back({sequence, encoder_tokens_.size(), tokens.size()});
    encoder_tokens_.insert(encoder_tokens_.end(), tokens.begin(), tokens.end());
  }
  void Clear() {
    entries_.clear();
    encoder_texts_.clear();
    encoder_tokens_.clear();
  }

  struct EncoderText {
    SequenceId sequence;
    size_t begin;  // of its tokens among those of all texts
    size_t length;
  };
  std::span<const EncoderText> encoder_texts() const { return encoder_texts_; }
  std::span<const TokenId> EncoderTokens(const EncoderText& text) const {
    return std::span(encoder_tokens_).subspan(text.begin, text.length);
  }
  // Of all encoder texts.
  size_t encoder_tokens() const { return encoder_tokens_.size(); }

  int size() const { return static_cast<int>(entries_.size()); }
  const Entry& operator[](int i) const { return entries_[i]; }
  Entry& operator[](int i) { return entries_[i]; }

 private:
  std::vector<Entry> entries_;
  std::vector<EncoderText> encoder_texts_;
  std::vector<TokenId> encoder_tokens_;
};

// How a batch is cut into ubatches. All policies give the same results; they
// differ in the shape of the work.
enum class SplitPolicy {
  kRagged,  // by token budget; runs of a ubatch may differ in length
  kEqual,   // every run of a ubatch has the same length
  kSimple,  // the next n tokens in call order
  kWhole,   // a sequence's tokens are never cut
};

}  // namespace braid

#endif  // BRAID_BATCH_H_
