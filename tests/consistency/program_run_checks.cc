// Run: what an engine says, compared.
#include <algorithm>
#include <bit>
#include <cmath>

#include "base/format.h"
#include "sampling/log_probability.h"
#include "tests/consistency/program_run.h"

namespace braid::programs {

namespace {

using Halves = std::array<float, 2>;  // of a double, for their bits alone

int64_t DifferingBits(std::span<const float> a, std::span<const float> b) {
  int64_t bits = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    bits += std::popcount(std::bit_cast<uint32_t>(a[i]) ^
                          std::bit_cast<uint32_t>(b[i]));
  }
  return bits;
}

}  // namespace

bool Run::Fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
  return false;
}

bool Run::Agrees(const std::string& what, const Judgement& judgement,
                 const Status& status) {
  if (status.ok()) {
    return judgement.verdict != Judgement::kRefused ||
           Fail(Format("{} was accepted although: {}", what, judgement.why));
  }
  if (status.error().message.empty()) return Fail(what + ": an empty error");
  if (judgement.verdict == Judgement::kAccepted) {
    return Fail(what + " was refused: " + status.error().message);
  }
  ++tally_.refusals;
  return true;
}

bool Run::SameBits(const std::string& what, std::span<const float> is,
                   std::span<const float> expected) {
  ++tally_.rows;
  if (is.size() != expected.size()) {
    return Fail(
        Format("{}: {} values, expected {}", what, is.size(), expected.size()));
  }
  const int64_t bits = DifferingBits(is, expected);
  tally_.differing_bits += bits;
  return bits == 0 || Fail(Format("{}: {} differing bits", what, bits));
}

bool Run::CheckOutputs(std::span<const Entry> entries) {
  const KvType kv_type = world_->options().kv_type;
  std::map<std::pair<SequenceId, bool>, Rows> known;  // true: hidden
  const auto row_of = [&](const Entry& entry, bool hidden) -> const Row& {
    const SequenceId id = entry.sequences.front();
    Rows& rows = known[{id, hidden}];
    const Sequence& sequence = (*world_)[id];
    if (rows.empty()) {
      rows = hidden ? oracle_->Hidden(kv_type, sequence.text, sequence.tokens)
                    : oracle_->Logits(kv_type, sequence.text, sequence.tokens);
    }
    return *rows[entry.position];
  };
  const Row none;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const int index = static_cast<int>(i);
    const bool done =
        entry.position < (*world_)[entry.sequences.front()].length();
    const auto wants = [&](Want want) { return done && entry.want == want; };
    const std::string what = Format("entry {} (position {} of sequence {})", i,
                                    entry.position, entry.sequences.front());
    if (!SameBits("logits of " + what, engine_->Logits(index),
                  wants(Want::kLogits) ? row_of(entry, false) : none) ||
        !SameBits("hidden row of " + what, engine_->Hidden(index),
                  wants(Want::kHidden) ? row_of(entry, true) : none)) {
      return false;
    }
    if (!wants(Want::kScore)) {
      if (std::isnan(engine_->LogProbability(index))) continue;
      return Fail("a score that was not asked for: " + what);
    }
    for (size_t j = 0; j < entry.targets.size(); ++j) {
      const double score = engine_->LogProbability(index, static_cast<int>(j));
      const double expected =
          braid::LogProbability(row_of(entry, false), entry.targets[j]);
      if (!SameBits("score of " + what, std::bit_cast<Halves>(score),
                    std::bit_cast<Halves>(expected))) {
        return false;
      }
    }
  }
  return true;
}

bool Run::CheckState() {
  for (SequenceId id = 0; id < world_->sequences(); ++id) {
    if (!CheckSequence(id) || !CheckEmbedding(id)) return false;
  }
  const size_t limit = world_->options().memory_limit;
  const size_t used = engine_->memory_use().sequences;
  return limit == 0 || used <= limit || tally_.rollbacks > 0 ||
         Fail(Format("{} bytes are used, {} are allowed", used, limit));
}

bool Run::CheckSequence(SequenceId id) {
  const Sequence& sequence = (*world_)[id];
  if (engine_->NextPosition(id) != sequence.length()) {
    return Fail(Format("sequence {} is at {}, expected {}", id,
                       engine_->NextPosition(id), sequence.length()));
  }
  const auto tokens = engine_->Tokens(id);
  if (!std::equal(tokens.begin(), tokens.end(), sequence.tokens.begin(),
                  sequence.tokens.end())) {
    return Fail(Format("sequence {} has other tokens", id));
  }
  if (engine_->EncoderTokens(id) != static_cast<int>(sequence.text.size())) {
    return Fail(Format("sequence {} has {} encoder tokens, expected {}", id,
                       engine_->EncoderTokens(id), sequence.text.size()));
  }
  for (SequenceId other = 0; other < world_->sequences(); ++other) {
    const Position shared = engine_->SharedPositions(id, other);
    if (shared != world_->Shared(id, other)) {
      return Fail(Format("sequences {} and {} share {} positions, expected {}",
                         id, other, shared, world_->Shared(id, other)));
    }
  }
  return true;
}

bool Run::CheckEmbedding(SequenceId id) {
  const Sequence& sequence = (*world_)[id];
  const std::string what = Format("embedding of sequence {}", id);
  if (!sequence.pooled || sequence.empty()) {
    return engine_->Embedding(id).empty() || Fail(what + " is not empty");
  }
  Row& expected = embeddings_[{sequence.text, sequence.tokens}];
  if (expected.empty()) {
    const EngineOptions& options = world_->options();
    expected = oracle_->Embedding(options.kv_type, *options.pooling,
                                  sequence.text, sequence.tokens);
  }
  return SameBits(what, engine_->Embedding(id), expected);
}

bool Run::CheckLastLogits(SequenceId id) {
  const Sequence& sequence = (*world_)[id];
  const std::string what = Format("last logits of sequence {}", id);
  if (!sequence.last_known) {
    return engine_->LastLogits(id).empty() || Fail(what + " are not empty");
  }
  const Rows rows = oracle_->Logits(world_->options().kv_type, sequence.text,
                                    sequence.tokens);
  return SameBits(what, engine_->LastLogits(id), *rows.back());
}

bool Run::CheckRemoval(const Sequence& before, Position begin,
                       const Judgement& judgement, const Removal& removal) {
  const bool whole = begin == 0 || begin >= before.length();
  const int most = whole ? 0 : judgement.most_reevaluated;
  if (removal.replayed < 0 || removal.reevaluated < 0 ||
      removal.reevaluated > most ||
      removal.replayed + removal.reevaluated > begin) {
    return Fail(Format(
        "going back to {} of {}: {} replayed, {} evaluated again, at "
        "most {} expected",
        begin, before.length(), removal.replayed, removal.reevaluated, most));
  }
  if (!whole) ++tally_.rollbacks;
  tally_.replayed += removal.replayed;
  tally_.reevaluated += removal.reevaluated;
  return true;
}

}  // namespace braid::programs
