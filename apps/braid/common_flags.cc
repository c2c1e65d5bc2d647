#include "apps/braid/common_flags.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <random>

#include "apps/braid/console.h"
#include "apps/braid/default_model.h"
#include "apps/braid/model_use.h"
#include "base/random.h"

namespace braid::cli {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Not from `Random`: the seed of seeds must differ from run to run.
uint32_t RandomSeed() { return std::random_device{}(); }

}  // namespace

void ModelFlags::Declare(FlagTable& table, std::vector<std::string>* paths) {
  table.Group("Model");
  const char* const names = "-m, --model";
  const char* const help =
      "the GGUF file; the model that ships with braid if not given";
  if (paths == nullptr) {
    table.Text(names, "FILE", help, &path);
  } else {
    table.Texts(names, "FILE", help, paths);
  }
  DeclareProgress(table, &progress);
}

Result<std::string> ModelFlags::Path() const {
  if (!path.empty()) return path;
  return FindDefaultModel();
}

Result<std::shared_ptr<const Model>> ModelFlags::Load(int threads,
                                                      double* seconds,
                                                      bool encoder_only) const {
  BRAID_ASSIGN(const std::string file, Path());
  Progress bar(
      Format("loading {}", std::filesystem::path(file).filename().string()),
      progress);
  const Stopwatch watch;
  auto model = Model::Load(file, {.threads = threads,
                                  .progress = [&](double s) { bar.Show(s); },
                                  .encoder_only = encoder_only});
  *seconds = watch.Seconds();
  if (model.ok()) NoteAll((*model)->tokenizer().notices());
  return model;
}

Result<std::shared_ptr<const Model>> ModelFlags::LoadFor(
    std::string_view command, int threads, double* seconds,
    bool encoder_only) const {
  BRAID_ASSIGN(auto model, Load(threads, seconds, encoder_only));
  BRAID_ASSIGN(const std::string file, Path());
  BRAID_TRY(CheckUse(command, file, model->info()));
  return model;
}

void EngineFlags::Declare(FlagTable& table) {
  const std::vector<std::pair<std::string, KvType>> cache_types = {
      {"f16", KvType::kF16}, {"f32", KvType::kF32}};
  table.Group("Engine")
      .Integer("-c, --ctx-size", "N",
               "positions that all sequences together may hold in attention "
               "layers; 0: the length that the model was trained with",
               &options.context, {0, 1 << 30})
      .Integer("-b, --batch-size", "N", "tokens of one decode call",
               &options.max_batch, {1, 1 << 20})
      .Integer("-ub, --ubatch-size", "N", "rows of one forward pass",
               &options.max_ubatch, {1, 1 << 20})
      .Threads(&options.threads)
      .Choice("--split", "POLICY", "how a batch is cut into ubatches",
              &options.split,
              {{"ragged", SplitPolicy::kRagged},
               {"equal", SplitPolicy::kEqual},
               {"simple", SplitPolicy::kSimple},
               {"whole", SplitPolicy::kWhole}})
      .Choice("-ctk, --cache-type-k", "TYPE", "how keys are stored",
              &options.kv_type, cache_types)
      .Choice("-ctv, --cache-type-v", "TYPE",
              "how values are stored, the same as keys", &value_type,
              cache_types)
      .Integer("--page-size", "N",
               "positions in which attention layers' memory is given out, a "
               "multiple of 32",
               &options.page_positions, {32, 1 << 16})
      .Integer("--memory-limit", "MIB",
               "memory that all sequences may use; 0: as -c says",
               &memory_limit, {0, 1 << 24})
      .Integer("--rollback", "N",
               "positions that every sequence can go back without evaluating "
               "anything",
               &options.rollback, {0, 1 << 20})
      .Integer("--checkpoint-every", "N",
               "keep a checkpoint of recurrent layers after every N positions; "
               "0: none",
               &options.checkpoint_every, {0, 1 << 30})
      .Integer("--checkpoint-bytes", "MIB",
               "memory for these checkpoints; the oldest goes first",
               &checkpoint_mib, {0, 1 << 24});
}

Result<EngineOptions> EngineFlags::Options(int max_sequences) const {
  if (options.kv_type != value_type) {
    return Error{
        "-ctk and -ctv differ; keys and values are stored in one type"};
  }
  EngineOptions result = options;
  // What must not be cut into ubatches is not longer than one.
  if (result.split == SplitPolicy::kWhole) {
    result.max_batch = std::min(result.max_batch, result.max_ubatch);
  }
  result.max_ubatch = std::min(result.max_ubatch, result.max_batch);
  result.memory_limit = static_cast<size_t>(memory_limit) << 20;
  result.checkpoint_bytes = static_cast<size_t>(checkpoint_mib) << 20;
  result.max_sequences = max_sequences;
  return result;
}

void SamplingFlags::Declare(FlagTable& table) {
  table.Group("Sampling")
      .Integer(
          "-s, --seed", "N",
          "seed; the same gives the same prompt the same text, whatever the "
          "other prompts are; -1: random",
          &seed, {-1, std::numeric_limits<int64_t>::max()})
      .Number("--temp, --temperature", "X",
              "temperature; 0: always the most likely token",
              &params.temperature, {-1, 1000})
      .Integer("--top-k", "N", "keep the N most likely tokens; 0: all",
               &params.top_k, {-1, 1 << 30})
      .Number("--top-p", "X", "keep the likeliest tokens of total X; 1: off",
              &params.top_p, {0, 1})
      .Number("--min-p", "X",
              "keep tokens of at least X times the highest probability; 0: off",
              &params.min_p, {0, 1})
      .Number("--typical, --typical-p", "X", "locally typical sampling; 1: off",
              &params.typical_p, {0, 1})
      .Integer("--repeat-last-n", "N",
               "tokens that the penalties look at; 0: none, -1: all",
               &params.penalty_window, {-1, 1 << 30})
      .Number("--repeat-penalty", "X", "divides logits of seen tokens; 1: off",
              &params.repeat_penalty, {0.001, 1000})
      .Number("--frequency-penalty", "X",
              "subtracted once for every time a token was seen; 0: off",
              &params.frequency_penalty, {-1000, 1000})
      .Number("--presence-penalty", "X",
              "subtracted once if a token was seen; 0: off",
              &params.presence_penalty, {-1000, 1000})
      .Texts("-l, --logit-bias", "TOKEN(+/-)BIAS",
             "add to a token's logit: 15043+1, 15043-2.5, 15043-inf", &biases)
      .Switch("--ignore-eos", "never generate a token that ends the text",
              &ignore_eos);
}

Result<SamplingParams> SamplingFlags::Params(const Tokenizer& tokenizer) {
  SamplingParams result = params;
  for (const std::string& text : biases) {
    const auto bias = ParseLogitBias(text);
    if (!bias.ok()) {
      return Error{Format("--logit-bias: {}", bias.error().message)};
    }
    result.logit_bias.push_back(*bias);
  }
  for (TokenId token = 0; ignore_eos && token < tokenizer.vocabulary_size();
       ++token) {
    if (tokenizer.IsEndOfGeneration(token)) {
      result.logit_bias.emplace_back(token, -kInfinity);
    }
  }
  if (seed < 0) {
    seed = RandomSeed();
    Note(Format("seed: {}\n", seed));
  }
  result.seed = static_cast<uint64_t>(seed);
  BRAID_TRY(ValidateSampling(result, tokenizer.vocabulary_size()));
  return result;
}

SamplingParams TextSeeds::Next(std::span<const TokenId> encoder_text,
                               std::span<const TokenId> prompt) {
  constexpr uint64_t kEncoderText = 1;
  constexpr uint64_t kPrompt = 2;
  uint64_t hash = 0;
  for (const TokenId token : encoder_text) {
    hash = RandomBits(hash, kEncoderText, static_cast<uint64_t>(token));
  }
  for (const TokenId token : prompt) {
    hash = RandomBits(hash, kPrompt, static_cast<uint64_t>(token));
  }
  SamplingParams params = params_;
  params.seed = RandomBits(params_.seed, hash, copies_[hash]++);
  return params;
}

Result<std::pair<TokenId, float>> ParseLogitBias(std::string_view text) {
  const size_t sign = text.find_first_of("+-", 1);
  if (sign == std::string_view::npos) {
    return Error{Format("'{}' is not TOKEN+BIAS or TOKEN-BIAS", text)};
  }
  constexpr int64_t kMost = std::numeric_limits<TokenId>::max();
  BRAID_ASSIGN(const int64_t token,
               ParseInteger(text.substr(0, sign), {0, kMost}));
  const bool negative = text[sign] == '-';
  const std::string_view size = text.substr(sign + 1);
  float bias = kInfinity;
  if (size != "inf" || !negative) {
    BRAID_ASSIGN(bias, ParseNumber(size, {0, 1e6}));
  }
  return std::pair(static_cast<TokenId>(token), negative ? -bias : bias);
}

}  // namespace braid::cli
