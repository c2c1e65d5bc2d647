#include "apps/braid/scheduler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "apps/braid/common_flags.h"
#include "base/format.h"
#include "base/random.h"

namespace braid::cli {
namespace {

constexpr TokenId kEnd = 31;
constexpr int kVocabulary = 32;

// Token t is the letter 'a' + t.
class LetterTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> Encode(std::string_view text,
                              const EncodeOptions&) const override {
    std::vector<TokenId> tokens;
    for (const char letter : text) tokens.push_back(letter - 'a');
    return tokens;
  }
  std::string Piece(TokenId token, const DecodeOptions&) const override {
    return std::string(1, static_cast<char>('a' + token));
  }
  std::string Decode(std::span<const TokenId> tokens,
                     const DecodeOptions& options) const override {
    std::string text;
    for (const TokenId token : tokens) text += Piece(token, options);
    return text;
  }
  int vocabulary_size() const override { return kVocabulary; }
  TokenId bos() const override { return kNoToken; }
  TokenId eos() const override { return kEnd; }
  bool adds_bos() const override { return false; }
  bool IsEndOfGeneration(TokenId token) const override { return token == kEnd; }
  bool IsControl(TokenId token) const override { return token == kEnd; }
  std::string_view StoredText(TokenId) const override { return "x"; }
};

class LetterModel : public Model {
 public:
  explicit LetterModel(bool attention) {
    info_.attention = attention;
    info_.vocabulary_size = kVocabulary;
  }
  const ModelInfo& info() const override { return info_; }
  const Tokenizer& tokenizer() const override { return tokenizer_; }

 private:
  ModelInfo info_;
  LetterTokenizer tokenizer_;
};

// Its logits are a hash of the whole sequence, so a lost, doubled or misplaced
// token shows in the text. Counts positions as the real memory does: what a
// fork shares is counted once; options.memory_limit is as many. Refuses what
// the real engine refuses.
class HashEngine : public Engine {
 public:
  HashEngine(const Model& model, const EngineOptions& options)
      : model_(model), options_(options), sequences_(options.max_sequences) {}

  Status Decode(const Batch& batch, const std::function<bool()>&) override {
    if (batch.size() == 0) return Error{"empty batch"};
    if (batch.size() > options_.max_batch) return Error{"batch too large"};
    logits_.assign(batch.size(), {});
    const std::vector<Sequence> before = sequences_;
    for (int i = 0; i < batch.size(); ++i) {
      const Batch::Entry& entry = batch[i];
      Sequence& sequence = sequences_.at(entry.sequence);
      if (entry.position != static_cast<int>(sequence.tokens.size())) {
        return Error{Format("entry {}: wrong position {}", i, entry.position)};
      }
      sequence.tokens.push_back(entry.token);
      if (entry.want == Want::kLogits) logits_[i] = HashLogits(sequence.tokens);
    }
    const auto most = static_cast<int>(options_.memory_limit);
    if (most > 0 && Positions() > most) {
      sequences_ = before;
      return Error{"memory is full"};
    }
    largest_batch_ = std::max(largest_batch_, batch.size());
    decoded_ += batch.size();
    most_positions_ = std::max(most_positions_, Positions());
    if (model_.info().attention && Positions() > options_.context) {
      return Error{"context is full"};
    }
    return {};
  }
  std::span<const float> Hidden(int /*entry*/) const override { return {}; }
  double LogProbability(int /*entry*/, int /*target*/) const override {
    return 0;
  }
  int EncoderTokens(SequenceId /*sequence*/) const override { return 0; }
  std::span<const float> Embedding(SequenceId /*sequence*/) const override {
    return {};
  }
  std::span<const float> Logits(int entry) const override {
    return logits_.at(entry);
  }
  Position NextPosition(SequenceId sequence) const override {
    return static_cast<Position>(sequences_.at(sequence).tokens.size());
  }
  Status Fork(SequenceId from, SequenceId to) override {
    if (!sequences_.at(to).tokens.empty()) return Error{"not empty"};
    sequences_[to].tokens = sequences_.at(from).tokens;
    sequences_[to].shared = sequences_[to].tokens.size();
    return {};
  }
  Result<Removal> Remove(SequenceId sequence, Position begin,
                         Position) override {
    EXPECT_EQ(begin, 0);
    sequences_.at(sequence) = {};
    return Removal{};
  }
  std::span<const TokenId> Tokens(SequenceId sequence) const override {
    return sequences_.at(sequence).tokens;
  }
  // What the scheduler does not ask for.
  std::span<const float> LastLogits(SequenceId) override { return {}; }
  Position SharedPositions(SequenceId, SequenceId) const override { return 0; }
  Status Keep(SequenceId) override { return kNotUsed; }
  Status Checkpoint(SequenceId) override { return kNotUsed; }
  Status Save(const std::string&, std::span<const SequenceId>) const override {
    return kNotUsed;
  }
  Result<std::vector<std::byte>> SaveToMemory(
      std::span<const SequenceId>) const override {
    return kNotUsed;
  }
  Result<Restored> Restore(const std::string&, const RestoreOptions&) override {
    return kNotUsed;
  }
  Result<Restored> RestoreFromMemory(std::span<const std::byte>,
                                     const RestoreOptions&) override {
    return kNotUsed;
  }
  Status Reconfigure(int, int, SplitPolicy) override { return kNotUsed; }
  const Model& model() const override { return model_; }
  const EngineOptions& options() const override { return options_; }
  MemoryUse memory_use() const override { return {}; }

  int largest_batch() const { return largest_batch_; }
  int decoded() const { return decoded_; }
  int most_positions() const { return most_positions_; }

 private:
  inline static const Error kNotUsed{"not used"};

  struct Sequence {
    std::vector<TokenId> tokens;
    size_t shared = 0;
  };

  static std::vector<float> HashLogits(const std::vector<TokenId>& tokens) {
    uint64_t hash = 0;
    for (const TokenId token : tokens) {
      hash = MixBits(hash ^ static_cast<uint64_t>(token));
    }
    Random random(hash);
    std::vector<float> logits(kVocabulary);
    for (float& logit : logits) logit = random.Uniform(0, 4);
    return logits;
  }

  int Positions() const {
    size_t count = 0;
    for (const Sequence& s : sequences_) count += s.tokens.size() - s.shared;
    return static_cast<int>(count);
  }

  const Model& model_;
  const EngineOptions options_;
  std::vector<Sequence> sequences_;
  std::vector<std::vector<float>> logits_;
  int largest_batch_ = 0;
  int decoded_ = 0;
  int most_positions_ = 0;
};

std::vector<Request> MakeRequests(int count, int max_tokens = 12) {
  SamplingParams params;
  params.seed = 42;
  params.temperature = 1;
  TextSeeds seeds(params);
  std::vector<Request> requests;
  for (int i = 0; i < count; ++i) {
    std::vector<TokenId> prompt(3 + i * 5 % 11);
    std::iota(prompt.begin(), prompt.end(), i % 7);
    requests.push_back({.prompt = prompt,
                        .max_tokens = max_tokens,
                        .sampling = seeds.Next({}, prompt),
                        .stop_texts = {},
                        .decode = {}});
  }
  return requests;
}

struct Outcome {
  std::vector<std::string> texts;
  std::vector<int> order;           // of finishing
  std::vector<std::string> errors;  // of requests, empty where there is none
  std::string error;
  int decoded = 0;
  int largest_batch = 0;
  int most_positions = 0;
};

Outcome Serve(const std::vector<Request>& requests, SchedulerOptions options,
              EngineOptions engine_options = {}, bool attention = false) {
  const LetterModel model(attention);
  engine_options.max_sequences = options.sequences();
  HashEngine engine(model, engine_options);
  Outcome outcome;
  outcome.texts.resize(requests.size());
  outcome.errors.resize(requests.size());
  std::vector<std::string> streamed(requests.size());
  Scheduler scheduler(
      engine, options,
      {.on_text = [&](int i, std::string_view text) { streamed[i] += text; },
       .on_finish =
           [&](const Response& response) {
             outcome.texts[response.request] = response.text;
             outcome.errors[response.request] = response.error;
             outcome.order.push_back(response.request);
           }});
  const Status status = scheduler.Run(requests);
  if (!status.ok()) outcome.error = status.error().message;
  EXPECT_EQ(outcome.texts, streamed);
  outcome.decoded = engine.decoded();
  outcome.largest_batch = engine.largest_batch();
  outcome.most_positions = engine.most_positions();
  return outcome;
}

TEST(SchedulerTest, ATextDoesNotDependOnSlotsBatchesOrContinuity) {
  const auto requests = MakeRequests(9);
  const Outcome alone = Serve(requests, {.slots = 1});
  EXPECT_EQ(alone.error, "");
  EXPECT_EQ(alone.order.size(), 9u);
  for (const std::string& text : alone.texts) EXPECT_LE(text.size(), 12u);
  for (const int slots : {2, 4, 9, 20}) {
    for (const int max_batch : {1, 3, 8, 2048}) {
      for (const bool continuous : {false, true}) {
        const Outcome together =
            Serve(requests, {.slots = slots, .continuous = continuous},
                  {.max_batch = max_batch});
        EXPECT_EQ(together.error, "");
        EXPECT_EQ(together.texts, alone.texts);
        EXPECT_LE(together.largest_batch, max_batch);
      }
    }
  }
}

// The engine refuses steps for a reason that the scheduler does not know of
// before: those that came last wait, and all texts are what they are alone.
TEST(SchedulerTest, AStepThatIsRefusedSetsRequestsAside) {
  const auto requests = MakeRequests(9);
  const Outcome alone = Serve(requests, {.slots = 1});
  std::vector<TokenId> prefix(5);
  std::iota(prefix.begin(), prefix.end(), 1);
  const Outcome prefixed = Serve(requests, {.slots = 1, .prefix = prefix});
  for (const int slots : {1, 2, 4, 9}) {
    for (const int max_batch : {1, 3, 2048}) {
      for (const size_t positions : {30, 41, 64}) {
        const Outcome together =
            Serve(requests, {.slots = slots},
                  {.max_batch = max_batch, .memory_limit = positions});
        EXPECT_EQ(together.error, "");
        EXPECT_EQ(together.texts, alone.texts);
        EXPECT_EQ(together.errors, alone.errors);
        EXPECT_LE(together.most_positions, static_cast<int>(positions));
        const Outcome forked = Serve(
            requests, {.slots = slots, .prefix = prefix, .share_prefix = true},
            {.max_batch = max_batch, .memory_limit = positions});
        EXPECT_EQ(forked.error, "");
        EXPECT_EQ(forked.texts, prefixed.texts);
      }
    }
  }
}

TEST(SchedulerTest, ARequestThatDoesNotFitAloneEndsWithTheError) {
  const auto requests = MakeRequests(9);
  const Outcome alone = Serve(requests, {.slots = 1});
  // Some prompts are longer, and some texts become longer.
  constexpr size_t kPositions = 12;
  for (const int slots : {1, 3, 9}) {
    const Outcome together =
        Serve(requests, {.slots = slots}, {.memory_limit = kPositions});
    EXPECT_EQ(together.error, "");
    EXPECT_EQ(together.order.size(), requests.size());
    int refused = 0;
    for (size_t i = 0; i < requests.size(); ++i) {
      // The last token is sampled and never decoded.
      const bool fits =
          requests[i].prompt.size() + alone.texts[i].size() <= kPositions + 1;
      EXPECT_EQ(together.errors[i], fits ? "" : "memory is full") << i;
      EXPECT_TRUE(alone.texts[i].starts_with(together.texts[i]));
      EXPECT_EQ(together.texts[i] == alone.texts[i], fits);
      refused += fits ? 0 : 1;
    }
    EXPECT_GT(refused, 0);
    EXPECT_LT(refused, 9);
  }
}

TEST(SchedulerTest, ASharedPrefixIsDecodedOnceAndChangesNoText) {
  const auto requests = MakeRequests(6);
  std::vector<TokenId> prefix(20);
  std::iota(prefix.begin(), prefix.end(), 1);
  const Outcome whole = Serve(requests, {.slots = 3, .prefix = prefix});
  const Outcome forked =
      Serve(requests, {.slots = 3, .prefix = prefix, .share_prefix = true},
            {.max_batch = 7});
  EXPECT_EQ(whole.error, "");
  EXPECT_EQ(forked.error, "");
  EXPECT_EQ(forked.texts, whole.texts);
  EXPECT_EQ(whole.decoded - forked.decoded, 5 * 20);
}

TEST(SchedulerTest, RequestsWaitForRoomInTheContext) {
  const auto requests = MakeRequests(8);
  const Outcome roomy = Serve(requests, {.slots = 8}, {.context = 4096}, true);
  // The largest request takes 13 + 12 - 1 positions.
  const Outcome tight = Serve(requests, {.slots = 8}, {.context = 24}, true);
  EXPECT_EQ(roomy.error, "");
  EXPECT_EQ(tight.error, "");
  EXPECT_EQ(tight.texts, roomy.texts);
  EXPECT_LE(tight.most_positions, 24);
}

// With attention because there is no more room, without it all the same.
TEST(SchedulerTest, ATextEndsWhereTheContextEnds) {
  auto requests = MakeRequests(1, -1);
  requests[0].sampling.logit_bias = {{kEnd, -INFINITY}};
  for (const bool attention : {false, true}) {
    const Outcome outcome =
        Serve(requests, {.slots = 1}, {.context = 10}, attention);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.most_positions, 10);
    // 10 positions, 3 of the prompt; the last token is not decoded.
    EXPECT_EQ(outcome.texts[0].size(), 8u);
  }
}

TEST(SchedulerTest, WithoutAttentionALimitMayExceedTheContext) {
  auto requests = MakeRequests(1, 30);
  requests[0].sampling.logit_bias = {{kEnd, -INFINITY}};
  const Outcome outcome = Serve(requests, {.slots = 1}, {.context = 10});
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.texts[0].size(), 30u);
}

TEST(SchedulerTest, APrefixThatCannotFitIsNamed) {
  const Outcome outcome = Serve(
      MakeRequests(1),
      {.slots = 1, .prefix = std::vector<TokenId>(20), .share_prefix = true},
      {.context = 15}, true);
  EXPECT_EQ(outcome.error,
            "the shared prefix has 20 tokens, the context has room for 15: "
            "raise -c");
}

TEST(SchedulerTest, APromptThatCannotFitIsRefusedBeforeAnyWork) {
  const auto requests = MakeRequests(3);
  const Outcome outcome = Serve(requests, {.slots = 1}, {.context = 7}, true);
  EXPECT_EQ(outcome.error,
            "request 2 has 8 prompt tokens, the context has room for 7: raise "
            "-c");
  EXPECT_EQ(outcome.decoded, 0);
}

TEST(SchedulerTest, ARequestWithoutTokensIsRefused) {
  auto requests = MakeRequests(2);
  requests[1].prompt.clear();
  EXPECT_EQ(Serve(requests, {.slots = 1}).error,
            "request 2 has no tokens of its own");
}

TEST(SchedulerTest, NoTokensWantedGivesAnEmptyText) {
  EXPECT_EQ(Serve(MakeRequests(2, 0), {.slots = 2}).texts,
            (std::vector<std::string>{"", ""}));
}

TEST(SchedulerTest, StopTextsEndAText) {
  auto requests = MakeRequests(1, 30);
  requests[0].sampling.logit_bias = {{kEnd, -INFINITY}};
  const std::string whole = Serve(requests, {.slots = 1}).texts[0];
  ASSERT_EQ(whole.size(), 30u);
  requests[0].stop_texts = {whole.substr(10, 3)};
  EXPECT_EQ(Serve(requests, {.slots = 1}).texts[0],
            whole.substr(0, whole.find(requests[0].stop_texts[0])));
}

TEST(SchedulerTest, SpecialShowsTheEndOfGeneration) {
  auto requests = MakeRequests(1);
  requests[0].sampling.logit_bias = {{kEnd, 100.0f}};
  EXPECT_EQ(Serve(requests, {.slots = 1}).texts[0], "");
  requests[0].decode.special = true;
  EXPECT_EQ(Serve(requests, {.slots = 1}).texts[0],
            std::string(1, static_cast<char>('a' + kEnd)));
}

}  // namespace
}  // namespace braid::cli
