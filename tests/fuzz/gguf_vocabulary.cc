#include "tests/fuzz/gguf_vocabulary.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace braid::gguf {

namespace {

constexpr std::string_view kPrefix = "tokenizer.ggml.";
constexpr std::string_view kRules = "braid.tokenizer.sentencepiece.";
constexpr int kMaxTokens = 40;

bool OneIn(Random& random, int n) { return random.Below(n) == 0; }

template <size_t n>
std::string_view AnyOf(Random& random, const std::string_view (&list)[n]) {
  return list[random.Below(static_cast<int>(n))];
}

// One to four pieces of what vocabularies are made of: letters, the marks for
// a blank, bytes as tokens, special tokens, halves of characters.
std::string TokenText(Random& random) {
  static constexpr std::string_view kPieces[] = {
      "a",   "b",        "e",
      "t",   "\xC4\xA0", "\xE2\x96\x81",
      " ",   "<0x0A>",   "<0xFF>",
      "<s>", "</s>",     "<unk>",
      "##",  "\xC3",     "\xF0\x9F\x98\x80"};
  std::string text(AnyOf(random, kPieces));
  for (int i = random.Below(4); i > 0; --i) text += AnyOf(random, kPieces);
  return text;
}

class Vocabulary {
 public:
  Vocabulary(Random& random, Draft* draft) : random_(random), draft_(draft) {}

  void Add() {
    AddNames();
    AddTokens();
    AddPerToken();
    AddMerges();
    AddSettings();
    if (OneIn(random_, 3)) AddRules();
  }

 private:
  void Put(std::string_view name, Value value) {
    Put(kPrefix, name, std::move(value));
  }
  void Put(std::string_view prefix, std::string_view name, Value value) {
    // Now and then a key is missing.
    if (OneIn(random_, 30)) return;
    draft_->contents.metadata.push_back(
        {draft_->texts.emplace_back(std::string(prefix).append(name)),
         std::move(value)});
  }
  // Lengths that should agree mostly do.
  int AboutAsMany() {
    return OneIn(random_, 20) ? random_.Below(kMaxTokens)
                              : static_cast<int>(tokens_.size());
  }

  void AddNames() {
    static constexpr std::string_view kModels[] = {
        "gpt2",       "llama",           "bert", "t5", "rwkv", "gemma4",
        "braid-word", "braid-character", "none", ""};
    static constexpr std::string_view kPre[] = {
        "default", "gpt-2",          "llama-bpe", "qwen2",
        "smollm",  "deepseek-coder", "nothing"};
    Put("model", AnyOf(random_, kModels));
    if (OneIn(random_, 2)) Put("pre", AnyOf(random_, kPre));
  }

  void AddTokens() {
    for (int i = random_.Below(kMaxTokens); i > 0; --i) {
      tokens_.push_back(draft_->texts.emplace_back(TokenText(random_)));
    }
    Put("tokens", Array{ValueType::kString, tokens_});
  }

  void AddPerToken() {
    std::vector<float> scores;
    for (int i = AboutAsMany(); i > 0; --i) {
      scores.push_back(random_.Uniform(-20.0f, 1.0f));
    }
    std::vector<int32_t> types;
    for (int i = AboutAsMany(); i > 0; --i) {
      types.push_back(OneIn(random_, 4) ? random_.Below(8) : 1);
    }
    if (!OneIn(random_, 3)) Put("scores", Array{ValueType::kF32, scores});
    if (!OneIn(random_, 3)) Put("token_type", Array{ValueType::kI32, types});
  }

  void AddMerges() {
    std::vector<std::string_view> merges;
    for (int i = random_.Below(kMaxTokens); i > 0; --i) {
      const std::string pair = TokenText(random_) + " " + TokenText(random_);
      merges.push_back(draft_->texts.emplace_back(pair));
    }
    Put("merges", Array{ValueType::kString, merges});
  }

  void AddSettings() {
    static constexpr std::string_view kIds[] = {
        "bos_token_id", "eos_token_id", "unknown_token_id", "eot_token_id"};
    static constexpr std::string_view kFlags[] = {
        "add_bos_token", "add_eos_token", "add_space_prefix",
        "remove_extra_whitespaces"};
    for (const std::string_view name : kIds) {
      if (OneIn(random_, 2)) {
        Put(name, static_cast<uint32_t>(random_.Below(kMaxTokens + 1) - 1));
      }
    }
    for (const std::string_view name : kFlags) {
      if (OneIn(random_, 3)) Put(name, OneIn(random_, 2));
    }
  }

  // What SentencePiece models say beyond GGUF's keys.
  void AddRules() {
    static constexpr std::string_view kFlags[] = {
        "treat_whitespace_as_suffix", "escape_whitespaces", "byte_fallback"};
    for (const std::string_view name : kFlags) {
      if (OneIn(random_, 2)) Put(kRules, name, OneIn(random_, 2));
    }
    std::vector<int32_t> symbols;
    std::vector<std::string_view> texts;
    for (int i = random_.Below(6); i > 0; --i) {
      symbols.push_back(random_.Below(AboutAsMany() + 1));
      texts.push_back(draft_->texts.emplace_back(TokenText(random_)));
    }
    Put(kRules, "user_defined", Array{ValueType::kI32, symbols});
    Put(kRules, "user_defined_pieces", Array{ValueType::kString, texts});
    if (OneIn(random_, 2))
      Put(kRules, "unused", Array{ValueType::kI32, symbols});
  }

  Random& random_;
  Draft* draft_;
  std::vector<std::string_view> tokens_;
};

}  // namespace

void SetVocabulary(Random& random, Draft* draft) {
  std::erase_if(draft->contents.metadata, [](const KeyValue& kv) {
    return kv.key.starts_with(kPrefix) || kv.key.starts_with(kRules);
  });
  Vocabulary(random, draft).Add();
}

}  // namespace braid::gguf
