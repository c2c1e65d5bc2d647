// Models of SentencePiece of which a part was read and the rest dropped:
// folders are converted, and texts must become what the package makes of them.
#include <gtest/gtest.h>

#include <bit>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "convert/conversion.h"
#include "convert/folder_for_test.h"
#include "gguf/file.h"
#include "tokenizer/load.h"

namespace braid::convert {
namespace {

constexpr const char* kConfig = R"({"architectures": ["LlamaForCausalLM"],
  "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
  "num_attention_heads": 2, "max_position_embeddings": 128, "vocab_size": 16,
  "rms_norm_eps": 1e-5})";

// The wire format of protocol buffers: messages are built from the inside.
void AppendVarint(uint64_t number, std::string& bytes) {
  for (; number >= 0x80; number >>= 7) {
    bytes += static_cast<char>(number | 0x80);
  }
  bytes += static_cast<char>(number);
}

std::string Number(uint64_t field, uint64_t number) {
  std::string bytes;
  AppendVarint(field << 3, bytes);
  AppendVarint(number, bytes);
  return bytes;
}

std::string Bytes(uint64_t field, std::string_view value) {
  std::string bytes;
  AppendVarint(field << 3 | 2, bytes);
  AppendVarint(value.size(), bytes);
  return bytes.append(value);
}

void AppendWord(uint32_t word, std::string& bytes) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>(word >> shift);
  }
}

std::string Piece(std::string_view text, float score, TokenType type) {
  std::string piece = Bytes(1, text) + "\x15";  // field 2, a float
  AppendWord(std::bit_cast<uint32_t>(score), piece);
  return Bytes(1, piece + Number(3, static_cast<uint64_t>(type)));
}

// A tab becomes a space (charsmap.h).
std::string TabMap() {
  std::vector<uint32_t> nodes(256, 0);
  nodes[0] = 1 << 10;
  nodes[1 ^ '\t'] = '\t' | 0x100 | 2 << 10;
  nodes[1 ^ '\t' ^ 2] = 0x80000000;
  std::string map;
  AppendWord(static_cast<uint32_t>(nodes.size() * 4), map);
  for (const uint32_t node : nodes) AppendWord(node, map);
  return map + std::string(" \0", 2);
}

enum ModelType : uint64_t { kUnigram = 1, kBpe, kWord, kCharacter };

struct Options {
  ModelType type = kBpe;
  bool prefix = true;
  bool squeezes = true;
  bool suffix = false;
  bool escapes = true;
  bool maps_tabs = true;
  std::string more = {};  // fields of the model
};

std::string Model(const Options& options) {
  std::string model;
  const auto add = [&model](std::string_view text, float score,
                            TokenType type = TokenType::kNormal) {
    model += Piece(text, score, type);
  };
  add("<unk>", 0, TokenType::kUnknown);
  add("<s>", 0, TokenType::kControl);
  add("</s>", 0, TokenType::kControl);
  add("\u2581", -10);
  add("a", -11);
  add("b", -12);
  add("x", -13);
  add("y", -14);
  add("\u2581a", -1);
  add("ab", -2);
  add("\u2581ab", -3);
  add("aba", -4, TokenType::kUnused);
  add("\u2581\u2581", 0, TokenType::kUserDefined);
  add("xy", 0, TokenType::kUserDefined);
  add("b\u2581", -6);
  add("q", 0, TokenType::kControl);
  std::string normalizer = Number(3, options.prefix) +
                           Number(4, options.squeezes) +
                           Number(5, options.escapes);
  if (options.maps_tabs) normalizer += Bytes(2, TabMap());
  return model +
         Bytes(2, Number(3, options.type) + Number(24, options.suffix)) +
         Bytes(3, normalizer) + options.more;
}

struct Case {
  std::string_view text;
  std::vector<TokenId> tokens;
  std::string_view decoded;
};

class SentencePieceIssueTest : public FolderTest {
 protected:
  Result<Conversion> Plan(const std::string& model) const {
    FolderTest::Write("config.json", kConfig);
    FolderTest::Write("tokenizer.model", model);
    return Conversion::Plan(folder_, {.vocabulary_only = true});
  }

  // nullptr, and a failed expectation, where a step fails.
  std::unique_ptr<Tokenizer> Convert(const Options& options) const {
    const auto conversion = Plan(Model(options));
    EXPECT_TRUE(conversion.ok()) << conversion.error().message;
    if (!conversion.ok()) return nullptr;
    const Status written =
        conversion->Write(Path("out.gguf"), 1,
                          [](const gguf::TensorInfo&, uint64_t, uint64_t) {});
    EXPECT_TRUE(written.ok()) << written.error().message;
    const auto file = gguf::File::Open(Path("out.gguf"));
    EXPECT_TRUE(file.ok()) << file.error().message;
    if (!file.ok()) return nullptr;
    auto tokenizer = LoadTokenizer(*file);
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    return tokenizer.ok() ? std::move(*tokenizer) : nullptr;
  }

  void ExpectCases(const Options& options,
                   const std::vector<Case>& cases) const {
    const auto tokenizer = Convert(options);
    ASSERT_NE(tokenizer, nullptr);
    for (const auto& [text, tokens, decoded] : cases) {
      EXPECT_EQ(tokenizer->Encode(
                    text, {.add_special = false, .parse_special = false}),
                tokens)
          << text;
      EXPECT_EQ(tokenizer->Decode(tokens, {}), decoded) << text;
    }
  }
};

// Expected values: `sentencepiece` 0.2.3 on the same pieces. Its " \u2047 " for
// an unknown token is left out.

TEST_F(SentencePieceIssueTest, BpeSqueezesAndRewrites) {
  ExpectCases({.type = kBpe}, {{"a  b", {8, 3, 5}, "a b"},
                               {"a\tb", {8, 3, 5}, "a b"},
                               {" ab ab ", {10, 10}, "ab ab"},
                               {"\u2581a", {12, 4}, " a"},
                               {"aba", {10, 4}, "aba"},
                               {"axyb", {8, 13, 5}, "axyb"},
                               {"   ", {}, ""},
                               {"ab\u2581", {10}, "ab"},
                               {"q", {3, 0}, ""},
                               {"abab xy ab", {10, 9, 3, 13, 10}, "abab xy ab"},
                               {"a\u00E9\u00E8"
                                "b",
                                {8, 0, 5},
                                "ab"}});
}

// User-defined pieces are found where only rewriting makes them, unused ones
// are merged and split again ("aba").
TEST_F(SentencePieceIssueTest, BpeWithoutPrefix) {
  ExpectCases({.type = kBpe, .prefix = false, .squeezes = false},
              {{"a  b", {4, 12, 5}, "a  b"},
               {"a\tb", {4, 3, 5}, "a b"},
               {" ab ab ", {10, 10, 3}, " ab ab "},
               {"\u2581"
                "a",
                {8},
                " a"},
               {"aba", {9, 4}, "aba"},
               {"  a", {12, 4}, "  a"},
               {"   ", {12, 3}, "   "},
               {"ab\u2581", {9, 3}, "ab "}});
}

TEST_F(SentencePieceIssueTest, UnigramFindsUserDefinedPiecesInRewrittenText) {
  ExpectCases({.type = kUnigram},
              {{"a  b", {8, 3, 5}, "a b"},
               {"\u2581a", {12, 4}, " a"},
               {"axyb", {8, 13, 5}, "axyb"},
               {"abab xy ab", {10, 9, 3, 13, 10}, "abab xy ab"},
               {"q", {3, 0}, ""}});
}

TEST_F(SentencePieceIssueTest, Words) {
  ExpectCases({.type = kWord}, {{"a  b", {8, 0}, "a"},
                                {" ab ab ", {10, 10}, "ab ab"},
                                {"\u2581a", {3, 8}, "a"},
                                {"axyb", {0}, ""},
                                {"abab xy ab", {0, 10}, " ab"},
                                {"a\u00E9\u00E8"
                                 "b",
                                 {0},
                                 ""}});
}

TEST_F(SentencePieceIssueTest, Characters) {
  ExpectCases({.type = kCharacter, .squeezes = false},
              {{"a  b", {3, 4, 12, 5}, "a  b"},
               {" ab ab ", {12, 4, 5, 3, 4, 5, 3}, " ab ab "},
               {"axyb", {3, 4, 13, 5}, "axyb"},
               {"   ", {12, 12}, "   "},
               {"q", {3, 0}, ""}});
}

TEST_F(SentencePieceIssueTest, SpaceBehindTheText) {
  ExpectCases({.type = kBpe, .suffix = true},
              {{"a  b", {4, 3, 14}, "a b "},
               {" ab ab ", {9, 10, 3}, "ab ab "},
               {"\u2581"
                "a",
                {8, 3},
                "a "},
               {"   ", {}, ""},
               {"abab xy ab", {9, 9, 3, 13, 10, 3}, "abab xy ab "}});
}

TEST_F(SentencePieceIssueTest, SpacesThatAreNotEscaped) {
  ExpectCases(
      {.type = kBpe, .squeezes = false, .escapes = false, .maps_tabs = false},
      {{"a  b", {0, 4, 0, 5}, "ab"},
       {"\u2581"
        "a",
        {0, 8},
        " a"},
       {"ab\u2581", {0, 9, 3}, "ab "}});
}

// What the folder adds is looked for in the text as it is, each part behind it
// gets a space; what spaces become is the model's.
TEST_F(SentencePieceIssueTest, PiecesThatTheFolderAddsAreCutOutFirst) {
  FolderTest::Write("tokenizer_config.json",
                    R"({"added_tokens_decoder": {
    "12": {"content": "\u2581\u2581", "special": false},
    "13": {"content": "xy", "special": true}}})");
  ExpectCases({.type = kBpe, .squeezes = false},
              {{"axya", {8, 13, 8}, "axy a"}, {"a  a", {8, 12, 4}, "a  a"}});
}

// A tag of the user's must not become the control token of one letter.
TEST_F(SentencePieceIssueTest, ControlPiecesAreNeverMadeOfText) {
  const auto tokenizer = Convert({.type = kBpe, .prefix = false});
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(
      tokenizer->Encode("q<s>", {.add_special = false, .parse_special = false}),
      std::vector<TokenId>{0});
  EXPECT_EQ(tokenizer->Encode("q<s>", {.add_special = false}),
            (std::vector<TokenId>{15, 1}));
}

TEST_F(SentencePieceIssueTest, WhatOnlyBraidReadsIsSaid) {
  const auto planned = Plan(Model({.type = kWord, .suffix = true}));
  ASSERT_TRUE(planned.ok()) << planned.error().message;
  EXPECT_EQ(
      planned->notices(),
      (std::vector<std::string>{
          "tokenizer: only Braid will read the tokenizer \"braid-word\"",
          "tokenizer: only Braid will read treat_whitespace_as_suffix",
          "tokenizer: only Braid will read that 2 user-defined pieces are "
          "looked for in the rewritten text"}));
}

// Where GGUF has keys for all of it, there are no others.
TEST_F(SentencePieceIssueTest, APlainModelHasNoKeysOfOurOwn) {
  const std::string model = Piece("<unk>", 0, TokenType::kUnknown) +
                            Piece("<s>", 0, TokenType::kControl) +
                            Piece("a", -1, TokenType::kNormal) +
                            Bytes(2, Number(3, kBpe)) + Bytes(3, Number(4, 0));
  const auto planned = Plan(model);
  ASSERT_TRUE(planned.ok()) << planned.error().message;
  EXPECT_TRUE(planned->notices().empty());
  for (const gguf::KeyValue& pair : planned->contents().metadata) {
    EXPECT_FALSE(pair.key.starts_with("braid.")) << pair.key;
  }
}

TEST_F(SentencePieceIssueTest, RulesForDecodedTextsAreRefused) {
  const auto planned = Plan(Model({.more = Bytes(5, Bytes(2, TabMap()))}));
  ASSERT_FALSE(planned.ok());
  EXPECT_NE(planned.error().message.find("denormalizer_spec"),
            std::string::npos)
      << planned.error().message;
}

// Processor time, so that other programs do not count.
double SecondsToEncode(const Tokenizer& tokenizer, const std::string& text) {
  const std::clock_t start = std::clock();
  tokenizer.Encode(text, {});
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// A quadratic step would take 64 times as long for 8 times the text.
TEST_F(SentencePieceIssueTest, TimeDoesNotGrowWithTheSquareOfTheText) {
  for (const ModelType type : {kUnigram, kBpe, kWord, kCharacter}) {
    const auto tokenizer = Convert({.type = type});
    ASSERT_NE(tokenizer, nullptr);
    for (const std::string_view part :
         {"a", " ", "\u2581", "\u0301", "xy", "aba", "x", "\t"}) {
      const auto repeated = [part](size_t size) {
        std::string text;
        while (text.size() < size) text += part;
        return text;
      };
      const double first = SecondsToEncode(*tokenizer, repeated(1 << 17));
      const double all = SecondsToEncode(*tokenizer, repeated(1 << 20));
      EXPECT_LT(all, 24 * first + 0.2) << type << ' ' << part;
    }
  }
}

}  // namespace
}  // namespace braid::convert
