#include "tokenizer/load.h"

#include <gtest/gtest.h>

#include "gguf/writer.h"

namespace braid {
namespace {

gguf::Array Texts(std::vector<std::string_view> texts) {
  return {gguf::ValueType::kString, std::move(texts)};
}

std::vector<gguf::KeyValue> SmallMetadata() {
  return {
      {"tokenizer.ggml.model", std::string_view("gpt2")},
      {"tokenizer.ggml.pre", std::string_view("gpt-2")},
      {"tokenizer.ggml.tokens", Texts({"a", "b", "ab", "<|im_end|>"})},
      {"tokenizer.ggml.token_type",
       gguf::Array{gguf::ValueType::kI32, std::vector<int32_t>{1, 1, 1, 3}}},
      {"tokenizer.ggml.merges", Texts({"a b"})},
      {"tokenizer.ggml.bos_token_id", uint32_t{0}},
      {"tokenizer.ggml.add_bos_token", true},
  };
}

Result<std::unique_ptr<Tokenizer>> Load(
    const std::vector<gguf::KeyValue>& metadata) {
  const auto header = gguf::EncodeHeader({.metadata = metadata, .tensors = {}});
  if (!header.ok()) return header.error();
  const auto file = gguf::File::Parse(header->bytes);
  if (!file.ok()) return file.error();
  return LoadTokenizer(*file);
}

// The error when `key` has another value, or (nullptr) is absent.
std::string ErrorWith(std::string_view key, const gguf::Value* value) {
  std::vector<gguf::KeyValue> metadata;
  for (const gguf::KeyValue& entry : SmallMetadata()) {
    if (entry.key != key) metadata.push_back(entry);
  }
  if (value != nullptr) metadata.push_back({key, *value});
  const auto tokenizer = Load(metadata);
  return tokenizer.ok() ? "no error" : tokenizer.error().message;
}

TEST(LoadTest, OutlivesTheFile) {
  auto tokenizer = Load(SmallMetadata());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->vocabulary_size(), 4);
  EXPECT_EQ((*tokenizer)->Encode("ab", {}), (std::vector<TokenId>{0, 2}));
  EXPECT_EQ((*tokenizer)->StoredText(2), "ab");
  EXPECT_TRUE((*tokenizer)->IsEndOfGeneration(3));
}

TEST(LoadTest, UnsupportedKindsAreNamedWithTheSupportedOnes) {
  const gguf::Value model = std::string_view("abacus");
  EXPECT_EQ(ErrorWith("tokenizer.ggml.model", &model),
            "tokenizer.ggml.model: \"abacus\" is not supported; supported: "
            "gpt2, llama, gemma4, bert, t5, rwkv, braid-word, "
            "braid-character");
}

TEST(LoadTest, WrongTypesAreErrorsThatNameTheKey) {
  const gguf::Value number = uint32_t{5};
  const gguf::Value text = std::string_view("x");
  const gguf::Value numbers =
      gguf::Array{gguf::ValueType::kI32, std::vector<int32_t>{1, 2, 3, 4}};
  const gguf::Value texts = Texts({"x"});
  const struct {
    std::string_view key;
    const gguf::Value* value;
  } cases[] = {
      {"tokenizer.ggml.model", nullptr},
      {"tokenizer.ggml.model", &number},
      {"tokenizer.ggml.pre", &number},
      {"tokenizer.ggml.tokens", nullptr},
      {"tokenizer.ggml.tokens", &number},
      {"tokenizer.ggml.tokens", &numbers},
      {"tokenizer.ggml.merges", &text},
      {"tokenizer.ggml.merges", &numbers},
      {"tokenizer.ggml.token_type", &texts},
      {"tokenizer.ggml.scores", &texts},
      {"tokenizer.ggml.bos_token_id", &text},
      {"tokenizer.ggml.add_bos_token", &text},
  };
  for (const auto& [key, value] : cases) {
    const std::string message = ErrorWith(key, value);
    EXPECT_NE(message.find(key), std::string::npos) << key << ": " << message;
  }
}

TEST(LoadTest, EndOfGeneration) {
  const auto ends = [](std::vector<std::string_view> texts, int32_t type) {
    TokenizerSpec spec;
    spec.model = "llama";
    spec.tokens = std::move(texts);
    spec.types.assign(spec.tokens.size(), type);
    // Far from the tokens below: 0, 1 and 2 are defaults.
    spec.ids[static_cast<size_t>(TokenRole::kEos)] = 0;
    const auto tokenizer = MakeTokenizer(spec);
    EXPECT_TRUE(tokenizer.ok());
    std::string shown;
    for (TokenId token = 1; token < (*tokenizer)->vocabulary_size(); ++token) {
      if ((*tokenizer)->IsEndOfGeneration(token)) {
        shown += (*tokenizer)->StoredText(token);
        EXPECT_TRUE((*tokenizer)->IsControl(token));
      }
    }
    return shown;
  };
  constexpr int32_t kNormal = 1;
  constexpr int32_t kUserDefined = 4;
  EXPECT_EQ(ends({"", "a", "<|end|>", "</s>"}, kUserDefined), "<|end|></s>");
  EXPECT_EQ(ends({"", "a", "<|end|>", "</s>"}, kNormal), "");
  EXPECT_EQ(ends({"", "<|end|>", "<|return|>", "<|call|>"}, kUserDefined),
            "<|return|><|call|>");
  EXPECT_EQ(ends({"", "</s>", "<|tool_response>"}, kUserDefined),
            "<|tool_response>");
  EXPECT_EQ(ends({"", "</s>", "</u>"}, kUserDefined), "");
}

}  // namespace
}  // namespace braid
