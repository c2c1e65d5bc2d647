#include "tests/fuzz/small_tokenizers.h"

#include <deque>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/load.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// Words, digits, scripts, marks and white space, so that texts meet tokens.
constexpr std::string_view kWords[] = {
    "the",          "he",           "in",
    "Hello",        "World",        " the",
    " a",           "  ",           "    ",
    "\n\n",         "\r\n",         "'s",
    "'ll",          "12",           "345",
    "...",          "!?",           "\u00E9t\u00E9",
    "\u0416\u0443", "\u4F60\u597D", "\u3042",
    "a\u0301",      "\uD55C",       "\U0001F468\u200D",
    "aaaa"};
constexpr std::string_view kUser = "<|user|>";

// A spec that owns its texts. Tokens 0 to 3 are the special ones.
class Builder {
 public:
  Builder(std::string_view model, std::string_view pre) {
    spec_.model = model;
    spec_.pre = pre;
    Add("<unk>", TokenType::kUnknown);
    Add("<s>", TokenType::kControl);
    Add("</s>", TokenType::kControl);
    Add(std::string(kUser), TokenType::kUserDefined);
    SetId(TokenRole::kUnknown, 0);
    SetId(TokenRole::kBos, 1);
    SetId(TokenRole::kEos, 2);
    SetId(TokenRole::kSeparator, 2);
  }

  TokenizerSpec& spec() { return spec_; }

  // Longer texts score better, equally long ones by chance.
  void Add(std::string text, TokenType type = TokenType::kNormal) {
    const int length = static_cast<int>(text.size());
    spec_.tokens.push_back(Own(std::move(text)));
    spec_.types.push_back(static_cast<int32_t>(type));
    spec_.scores.push_back(
        static_cast<float>(length * 8 - 200 + random_.Below(16)));
  }

  // "<0x00>" to "<0xFF>".
  void AddByteTokens() {
    for (int byte = 0; byte < 256; ++byte) {
      Add(ByteTokenText(static_cast<uint8_t>(byte)), TokenType::kByte);
    }
  }

  // The characters of GPT-2's alphabet, and merges up to the words.
  void AddByteCharacters() {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text;
      AppendByteCharacter(static_cast<uint8_t>(byte), text);
      Add(std::move(text));
    }
    for (const std::string_view word : kWords) {
      std::vector<std::string> characters;
      for (const char byte : word) {
        AppendByteCharacter(static_cast<uint8_t>(byte),
                            characters.emplace_back());
      }
      MergeUp(characters);
    }
    AddRandomMerges();
  }

  // SentencePiece's: the characters of the words, and their beginnings.
  void AddCharacters(bool merges) {
    for (const std::string_view word : kWords) {
      std::vector<std::string> characters;
      for (size_t at = 0; at < word.size();) {
        const size_t length = DecodeUtf8(word, at).length;
        const std::string_view character = word.substr(at, length);
        characters.emplace_back(character == " " ? kSpaceMark : character);
        AddOnce(characters.back());
        at += length;
      }
      MergeUp(characters);
    }
    AddOnce(std::string(kSpaceMark));
    AddRandomMerges();
    if (!merges) spec_.merges.clear();
  }

  void SetId(TokenRole role, int64_t id) {
    spec_.ids[static_cast<size_t>(role)] = id;
  }

  std::string_view Own(std::string text) {
    return texts_.emplace_back(std::move(text));
  }

  SmallTokenizer Make(RoundTrip round_trip) const {
    auto tokenizer = MakeTokenizer(spec_);
    BRAID_CHECK(tokenizer.ok());
    return {std::move(tokenizer).value(), round_trip};
  }

 private:
  void AddOnce(const std::string& text) {
    for (const std::string_view token : spec_.tokens) {
      if (token == text) return;
    }
    Add(text);
  }

  void AddMerge(const std::string& left, const std::string& right) {
    AddOnce(left + right);
    spec_.merges.push_back(Own(left + " " + right));
  }

  void MergeUp(const std::vector<std::string>& characters) {
    std::string left = characters[0];
    for (size_t i = 1; i < characters.size(); ++i) {
      AddMerge(left, characters[i]);
      left += characters[i];
    }
  }

  // Merges whose parts overlap those of others.
  void AddRandomMerges() {
    const int normal = static_cast<int>(spec_.tokens.size());
    const auto pick = [&] {
      return std::string(spec_.tokens[4 + random_.Below(normal - 4)]);
    };
    for (int i = 0; i < 100; ++i) {
      const std::string left = pick();
      const std::string right = pick();
      if (left.starts_with("<0x") || right.starts_with("<0x")) continue;
      AddMerge(left, right);
    }
  }

  Random random_ = Random(7);
  std::deque<std::string> texts_;
  TokenizerSpec spec_;
};

void AddBytePair(std::vector<SmallTokenizer>& all) {
  constexpr std::pair<std::string_view, RoundTrip> kRules[] = {
      {"gpt-2", RoundTrip::kBytes},
      {"default", RoundTrip::kBytes},
      {"mpt", RoundTrip::kNfc},
      {"smollm", RoundTrip::kBytes},
      {"llama-bpe", RoundTrip::kBytes},
      {"qwen2", RoundTrip::kNfc},
      {"falcon", RoundTrip::kBytes},
      {"qwen35", RoundTrip::kNfc},
      {"gpt-4o", RoundTrip::kBytes},
      {"tekken", RoundTrip::kBytes},
      {"kimi-k2", RoundTrip::kBytes},
      {"tiny_aya", RoundTrip::kBytes},
      {"seed-coder", RoundTrip::kBytes},
      {"deepseek-llm", RoundTrip::kBytes},
      {"deepseek-v3", RoundTrip::kBytes},
      {"bloom", RoundTrip::kBytes},
      {"viking", RoundTrip::kBytes},
      {"superbpe", RoundTrip::kBytes},
      {"deepseek-coder", RoundTrip::kBytes},
  };
  for (const auto& [pre, round_trip] : kRules) {
    Builder builder("gpt2", pre);
    builder.AddByteCharacters();
    all.push_back(builder.Make(round_trip));
  }
}

void AddSentencePiece(std::vector<SmallTokenizer>& all) {
  for (const bool prefix : {false, true}) {
    Builder builder("llama", "default");
    builder.spec().add_space_prefix = prefix;
    builder.AddByteTokens();
    builder.AddCharacters(false);
    all.push_back(
        builder.Make(prefix ? RoundTrip::kSpacesFront : RoundTrip::kSpaces));
  }
  Builder no_bytes("llama", "default");
  no_bytes.AddCharacters(false);
  all.push_back(no_bytes.Make(RoundTrip::kNone));

  for (const bool bytes : {false, true}) {
    Builder builder("gemma4", "default");
    if (bytes) builder.AddByteTokens();
    builder.AddCharacters(true);
    all.push_back(builder.Make(bytes ? RoundTrip::kSpaces : RoundTrip::kNone));
  }
}

void AddWordPiece(std::vector<SmallTokenizer>& all) {
  for (const bool lowercase : {false, true}) {
    Builder builder("bert", "default");
    builder.spec().lowercase = lowercase;
    for (const std::string_view word : kWords) {
      for (size_t end = 1; end <= word.size(); ++end) {
        builder.Add(std::string(kSpaceMark) + std::string(word.substr(0, end)));
        builder.Add(std::string(word.substr(word.size() - end)));
      }
    }
    all.push_back(builder.Make(RoundTrip::kNone));
  }
}

// Rewrites "a" to "  he" and "b" to nothing: see charsmap.h.
std::string SmallCharsMap() {
  constexpr uint32_t kEnds = 0x100;
  constexpr uint32_t kValue = 0x80000000;
  std::vector<uint32_t> nodes(128, 0);
  nodes['a'] = 'a' | kEnds | 2 << 10;
  nodes['a' ^ 2] = kValue | 0;
  nodes['b'] = 'b' | kEnds | 4 << 10;
  nodes['b' ^ 4] = kValue | 4;
  std::string block;
  const auto append = [&block](uint32_t number) {
    for (int shift = 0; shift < 32; shift += 8) {
      block.push_back(static_cast<char>(number >> shift));
    }
  };
  append(static_cast<uint32_t>(nodes.size() * 4));
  for (const uint32_t node : nodes) append(node);
  return block + std::string("  he\0", 5);
}

void AddUnigram(std::vector<SmallTokenizer>& all) {
  Builder rewriting("t5", "default");
  rewriting.AddCharacters(false);
  rewriting.spec().charsmap = rewriting.Own(SmallCharsMap());
  all.push_back(rewriting.Make(RoundTrip::kNone));

  Builder plain("t5", "default");
  plain.AddByteTokens();
  plain.AddCharacters(false);
  plain.spec().add_space_prefix = false;
  plain.spec().remove_extra_whitespaces = false;
  all.push_back(plain.Make(RoundTrip::kCleaned));
}

// Everything that GGUF has no key for: user-defined and unused pieces, spaces
// behind a text or as they are, models of words and characters.
void AddSentencePieceRules(std::vector<SmallTokenizer>& all) {
  for (const std::string_view model :
       {"llama", "t5", "braid-word", "braid-character"}) {
    for (const bool unusual : {false, true}) {
      Builder builder(model, "default");
      builder.AddCharacters(false);
      TokenizerSpec& spec = builder.spec();
      spec.charsmap = builder.Own(SmallCharsMap());
      spec.remove_extra_whitespaces = !unusual;
      SentencePieceRules& rules = spec.sentencepiece;
      rules.space_is_suffix = unusual;
      rules.escapes_spaces = !unusual;
      for (const std::string_view text : {"the", "\u2581\u2581", "aa", "e a"}) {
        rules.symbols.push_back(static_cast<int32_t>(spec.tokens.size()));
        rules.symbol_texts.push_back(text);
        std::string spaced;
        AppendWithSpaces(text, spaced);
        builder.Add(std::move(spaced), TokenType::kUserDefined);
      }
      for (size_t i = 8; i < spec.tokens.size(); i += 5) {
        if (spec.types[i] != static_cast<int32_t>(TokenType::kNormal)) continue;
        spec.types[i] = static_cast<int32_t>(TokenType::kUnused);
        rules.unused.push_back(static_cast<int32_t>(i));
      }
      all.push_back(builder.Make(RoundTrip::kNone));
    }
  }
}

void AddRwkv(std::vector<SmallTokenizer>& all) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto escape = [&](std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
      text += "\\x";
      text += kDigits[static_cast<uint8_t>(byte) / 16];
      text += kDigits[static_cast<uint8_t>(byte) % 16];
    }
    return text;
  };
  Builder builder("rwkv", "default");
  for (int byte = 0; byte < 256; ++byte) {
    builder.Add(escape(std::string(1, static_cast<char>(byte))));
  }
  for (const std::string_view word : kWords) {
    builder.Add(escape(word.substr(0, 2)));
    builder.Add(escape(word) + "z");
    builder.Add(escape(word));
  }
  all.push_back(builder.Make(RoundTrip::kBytes));
}

// No cut (ascending) is inside a character.
void CheckCuts(std::string_view text, const std::vector<size_t>& cuts) {
  size_t at = 0;
  for (const size_t cut : cuts) {
    while (at < cut) at += DecodeUtf8(text, at).length;
    BRAID_CHECK(at == cut);
  }
}

}  // namespace

const std::vector<SmallTokenizer>& SmallTokenizers() {
  static const auto* const tokenizers = [] {
    auto* all = new std::vector<SmallTokenizer>();
    AddBytePair(*all);
    AddSentencePiece(*all);
    AddWordPiece(*all);
    AddUnigram(*all);
    AddSentencePieceRules(*all);
    AddRwkv(*all);
    return all;
  }();
  return *tokenizers;
}

FuzzInput ReadFuzzInput(const uint8_t* data, size_t size) {
  const auto& tokenizers = SmallTokenizers();
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  return {&tokenizers[size < 1 ? 0 : data[0] % tokenizers.size()],
          size < 2 ? uint8_t{0} : data[1], size < 2 ? "" : all.substr(2)};
}

std::string CheckDecoding(const Tokenizer& tokenizer,
                          const std::vector<TokenId>& tokens,
                          const DecodeOptions& options) {
  std::string pieces;
  std::string streamed;
  std::vector<size_t> cuts;
  StreamingDetokenizer detokenizer(tokenizer, options);
  for (const TokenId token : tokens) {
    pieces += tokenizer.Piece(token, options);
    streamed += detokenizer.Add(token);
    cuts.push_back(streamed.size());
  }
  streamed += detokenizer.Finish();
  BRAID_CHECK(streamed == pieces);
  CheckCuts(streamed, cuts);
  std::string decoded = tokenizer.Decode(tokens, options);
  // At most the spaces that Encode puts before a text are missing.
  BRAID_CHECK(pieces.ends_with(decoded));
  const size_t trimmed = pieces.size() - decoded.size();
  BRAID_CHECK(pieces.find_first_not_of(' ') >= trimmed);
  return decoded;
}

}  // namespace braid
