// Files whose keys about the tokenizer contradict each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.h"
#include "gguf/writer.h"
#include "tokenizer/load.h"

namespace braid {

namespace {

using gguf::Array;
using gguf::KeyValue;
using gguf::ValueType;

Array Texts(std::vector<std::string_view> texts) {
  return {ValueType::kString, std::move(texts)};
}

Array Types(std::vector<int32_t> types) {
  return {ValueType::kI32, std::move(types)};
}

// Byte-level, with the end of texts typed as `end_type`.
std::vector<KeyValue> Metadata(int32_t end_type) {
  return {
      {"tokenizer.ggml.model", std::string_view("gpt2")},
      {"tokenizer.ggml.pre", std::string_view("gpt-2")},
      {"tokenizer.ggml.tokens",
       Texts({"h", "i", "<", "|", "e", ">", "hi", "<|e|>"})},
      {"tokenizer.ggml.token_type", Types({1, 1, 1, 1, 1, 1, 1, end_type})},
      {"tokenizer.ggml.merges", Texts({"h i"})},
      {"tokenizer.ggml.eos_token_id", uint32_t{7}},
  };
}

std::vector<KeyValue> Without(std::vector<KeyValue> metadata,
                              std::string_view key) {
  std::erase_if(metadata,
                [key](const KeyValue& entry) { return entry.key == key; });
  return metadata;
}

std::vector<KeyValue> With(std::vector<KeyValue> metadata, KeyValue entry) {
  metadata = Without(std::move(metadata), entry.key);
  metadata.push_back(std::move(entry));
  return metadata;
}

Result<std::unique_ptr<Tokenizer>> Load(const std::vector<KeyValue>& metadata) {
  const auto header = gguf::EncodeHeader({.metadata = metadata, .tensors = {}});
  if (!header.ok()) return header.error();
  const auto file = gguf::File::Parse(header->bytes);
  if (!file.ok()) return file.error();
  return LoadTokenizer(*file);
}

std::string ErrorOf(const std::vector<KeyValue>& metadata) {
  const auto tokenizer = Load(metadata);
  return tokenizer.ok() ? "no error" : tokenizer.error().message;
}

constexpr int32_t kNormal = 1;
constexpr int32_t kControl = 3;
constexpr int32_t kUserDefined = 4;

TEST(ContradictionsTest, AnEndThatIsTypedAsTextIsAControlToken) {
  for (const int32_t type : {kNormal, kUserDefined}) {
    const auto tokenizer = Load(Metadata(type));
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    EXPECT_EQ((*tokenizer)->Encode("hi<|e|>", {}),
              (std::vector<TokenId>{6, 7}));
    EXPECT_TRUE((*tokenizer)->IsControl(7));
    EXPECT_TRUE((*tokenizer)->IsEndOfGeneration(7));
    EXPECT_EQ((*tokenizer)->Encode("<|e|>", {.parse_special = false}),
              (std::vector<TokenId>{2, 3, 4, 3, 5}));
    ASSERT_EQ((*tokenizer)->notices().size(), 1u);
    EXPECT_EQ((*tokenizer)->notices()[0],
              std::string("tokenizer.ggml.eos_token_id: token 7 \"<|e|>\" is "
                          "typed ") +
                  (type == kNormal ? "normal" : "user-defined") +
                  "; it is taken for a control token");
  }
  const auto right = Load(Metadata(kControl));
  ASSERT_TRUE(right.ok());
  EXPECT_TRUE((*right)->notices().empty());
}

TEST(ContradictionsTest, ASingleCharacterStaysText) {
  const auto tokenizer = Load(
      With(Metadata(kControl), {"tokenizer.ggml.eot_token_id", uint32_t{0}}));
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_FALSE((*tokenizer)->IsControl(0));
  EXPECT_TRUE((*tokenizer)->IsEndOfGeneration(0));
}

TEST(ContradictionsTest, NoMergesAreRefusedWhereTokensNeedThem) {
  EXPECT_EQ(ErrorOf(Without(Metadata(kControl), "tokenizer.ggml.merges")),
            "tokenizer.ggml.merges: absent, and without merges no text becomes "
            "token 6 \"hi\"");
  // A vocabulary of single bytes has none.
  auto bytes = With(Without(Metadata(kControl), "tokenizer.ggml.merges"),
                    {"tokenizer.ggml.tokens", Texts({"h", "i", "<e>"})});
  bytes = With(std::move(bytes), {"tokenizer.ggml.token_type",
                                  Types({kNormal, kNormal, kControl})});
  bytes = With(std::move(bytes), {"tokenizer.ggml.eos_token_id", uint32_t{2}});
  const auto tokenizer = Load(bytes);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->Encode("hi<e>", {}), (std::vector<TokenId>{0, 1, 2}));
}

TEST(ContradictionsTest, AnIdOutOfRangeIsRefused) {
  for (const char* role : {"bos", "eos", "eot", "eom", "unknown", "seperator",
                           "cls", "fim_pad", "fim_rep", "fim_sep"}) {
    const std::string key = std::string("tokenizer.ggml.") + role + "_token_id";
    for (const uint32_t id : {8u, 100000u}) {
      EXPECT_EQ(ErrorOf(With(Metadata(kControl), {key, id})),
                key + ": " + std::to_string(id) +
                    " is no token of the vocabulary, which has 8");
    }
    EXPECT_NE(ErrorOf(With(Metadata(kControl), {key, int32_t{-2}})),
              "no error");
  }
}

TEST(ContradictionsTest, MinusOneIsNone) {
  for (const gguf::Value& none :
       {gguf::Value(int32_t{-1}), gguf::Value(uint32_t{0xFFFFFFFF})}) {
    const auto tokenizer =
        Load(With(Metadata(kControl), {"tokenizer.ggml.eos_token_id", none}));
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    EXPECT_EQ((*tokenizer)->eos(), kNoToken);
    EXPECT_TRUE((*tokenizer)->notices().empty());
  }
}

TEST(ContradictionsTest, APaddingTokenOutOfRangeIsNoneAndSaidSo) {
  const auto tokenizer = Load(With(
      Metadata(kControl), {"tokenizer.ggml.padding_token_id", uint32_t{8}}));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  ASSERT_EQ((*tokenizer)->notices().size(), 1u);
  EXPECT_EQ((*tokenizer)->notices()[0],
            "tokenizer.ggml.padding_token_id: 8 is no token of the vocabulary, "
            "which has 8; it counts as none");
}

TEST(ContradictionsTest, AFileThatDoesNotSayHowTextsAreCutIsToldAbout) {
  const auto tokenizer =
      Load(Without(Metadata(kControl), "tokenizer.ggml.pre"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  ASSERT_EQ((*tokenizer)->notices().size(), 1u);
  EXPECT_NE((*tokenizer)->notices()[0].find("tokenizer.ggml.pre: absent"),
            std::string::npos);
}

}  // namespace

}  // namespace braid
