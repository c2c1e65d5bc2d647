// Batch: the tokens of one decode call, of any number of sequences.
#ifndef BRAID_BATCH_H_
#define BRAID_BATCH_H_

#include <cstddef>
#include <cstdint>
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
//
// Adding checks nothing; Engine::Decode refuses what makes no sense, and names
// the entry. The one thing that can fail here is memory: std::bad_alloc, as
// from any container, and the batch is as it was.
//
// A token may be in several sequences at once: it is computed once, and becomes
// part of what each of them remembers. They must share their past: all of them
// empty, or forked from one another, or given their tokens together, and
// nothing given to one alone since (Engine::SharedPositions). An equal text
// that was decoded separately is not a shared past.
class Batch {
 public:
  struct Entry {
    TokenId token;
    Position position;
    SequenceId sequence;  // the first that was named
    Want want;
    TokenId target = 0;  // of kScore, the first
    // Of all its sequences among those of the batch.
    int32_t sequences_begin = 0;
    int32_t sequences_count = 1;
    // Of its targets behind the first among those of the batch.
    int32_t more_targets_begin = 0;
    int32_t more_targets_count = 0;
  };

  // Returns the index of the entry.
  int Add(TokenId token, Position position, SequenceId sequence, Want want) {
    return Add(token, position, std::span(&sequence, 1), want);
  }
  // In all of `sequences`: at least one, in any order, none twice.
  int Add(TokenId token, Position position,
          std::span<const SequenceId> sequences, Want want) {
    return AddEntry({token, position, kNoSequence, want}, sequences);
  }
  // Wants to know how likely `target` is to follow. Unlike logits, that keeps
  // no value for every token of the vocabulary.
  int AddScored(TokenId token, Position position, SequenceId sequence,
                TokenId target) {
    return AddScored(token, position, std::span(&sequence, 1), target);
  }
  int AddScored(TokenId token, Position position,
                std::span<const SequenceId> sequences, TokenId target) {
    return AddScored(token, position, sequences, std::span(&target, 1));
  }
  // Each of several targets, at least one: of sequences that part here.
  int AddScored(TokenId token, Position position,
                std::span<const SequenceId> sequences,
                std::span<const TokenId> targets) {
    Entry entry = {token, position, kNoSequence, Want::kScore, kNoToken};
    if (!targets.empty()) {
      entry.target = targets.front();
      entry.more_targets_begin = static_cast<int32_t>(more_targets_.size());
      entry.more_targets_count = static_cast<int32_t>(targets.size()) - 1;
      for (const TokenId target : targets.subspan(1)) {
        more_targets_.push_back(target);
      }
    }
    return AddEntry(entry, sequences);
  }
  // A text for the encoder of a model that has one (ModelInfo::encoder): the
  // sequences, which must be empty, look at it from then on. Its tokens count
  // as the batch's, and must fit a ubatch.
  void AddEncoder(std::span<const TokenId> tokens, SequenceId sequence) {
    AddEncoder(tokens, std::span(&sequence, 1));
  }
  void AddEncoder(std::span<const TokenId> tokens,
                  std::span<const SequenceId> sequences) {
    const EncoderText text = {.begin = encoder_tokens_.size(),
                              .length = tokens.size(),
                              .sequences_begin = sequences_.size(),
                              .sequences_count = sequences.size()};
    // Room for the last step first; twice as much, as push_back takes it.
    if (encoder_texts_.size() == encoder_texts_.capacity()) {
      encoder_texts_.reserve(2 * encoder_texts_.size() + 1);
    }
    sequences_.insert(sequences_.end(), sequences.begin(), sequences.end());
    encoder_tokens_.insert(encoder_tokens_.end(), tokens.begin(), tokens.end());
    encoder_texts_.push_back(text);
  }
  void Clear() {
    entries_.clear();
    sequences_.clear();
    more_targets_.clear();
    encoder_texts_.clear();
    encoder_tokens_.clear();
  }

  struct EncoderText {
    size_t begin = 0;  // of its tokens among those of all texts
    size_t length = 0;
    size_t sequences_begin = 0;  // among those of the batch
    size_t sequences_count = 0;
  };
  std::span<const EncoderText> encoder_texts() const { return encoder_texts_; }
  std::span<const TokenId> EncoderTokens(const EncoderText& text) const {
    return std::span(encoder_tokens_).subspan(text.begin, text.length);
  }
  std::span<const SequenceId> Sequences(const EncoderText& text) const {
    return std::span(sequences_)
        .subspan(text.sequences_begin, text.sequences_count);
  }
  // Of all encoder texts.
  size_t encoder_tokens() const { return encoder_tokens_.size(); }

  int size() const { return static_cast<int>(entries_.size()); }
  // 0 <= i < size(), here and below. An entry may be changed in place.
  const Entry& operator[](int i) const { return entries_[i]; }
  Entry& operator[](int i) { return entries_[i]; }
  // The targets of an entry behind Entry::target. Empty if the entry was
  // changed to name targets that the batch has not.
  std::span<const TokenId> MoreTargets(int i) const {
    return Part(std::span(more_targets_), entries_[i].more_targets_begin,
                entries_[i].more_targets_count);
  }
  // The sequences of an entry, in the order in which they were named. Empty if
  // the entry was changed to name sequences that the batch has not.
  std::span<const SequenceId> Sequences(int i) const {
    return Part(std::span(sequences_), entries_[i].sequences_begin,
                entries_[i].sequences_count);
  }

 private:
  static constexpr SequenceId kNoSequence = -1;

  static std::span<const int32_t> Part(std::span<const int32_t> all,
                                       int32_t begin, int32_t count) {
    const auto size = static_cast<int64_t>(all.size());
    if (begin < 0 || count < 0 || int64_t{begin} + count > size) return {};
    return all.subspan(static_cast<size_t>(begin), static_cast<size_t>(count));
  }

  int AddEntry(Entry entry, std::span<const SequenceId> sequences) {
    if (!sequences.empty()) entry.sequence = sequences.front();
    entry.sequences_begin = static_cast<int32_t>(sequences_.size());
    entry.sequences_count = static_cast<int32_t>(sequences.size());
    for (const SequenceId sequence : sequences) sequences_.push_back(sequence);
    entries_.push_back(entry);
    return size() - 1;
  }

  std::vector<Entry> entries_;
  std::vector<SequenceId> sequences_;  // of entries and encoder texts
  std::vector<TokenId> more_targets_;  // of entries
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
