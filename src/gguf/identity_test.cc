#include "gguf/identity.h"

#include <utility>

#include "gguf/model_file_for_test.h"

namespace braid::gguf {
namespace {

class IdentityTest : public ModelFileTest {
 protected:
  Identity Of(const RawFile& raw) const {
    const auto file = File::Open(Write("other.gguf", raw));
    EXPECT_TRUE(file.ok()) << file.error().message;
    return *IdentityOf(*file);
  }
};

TEST_F(IdentityTest, OrderAlignmentAndNamesOfTheModelDoNotCount) {
  const Identity small = Of(SmallModel());
  RawFile other = SmallModel(64);
  std::swap(other.keys[3], other.keys[4]);
  std::swap(other.tensors[1], other.tensors[2]);
  other.keys[2] = RawKey("general.name", 8, RawString("renamed"));
  EXPECT_EQ(Of(other).weights, small.weights);
  EXPECT_EQ(Of(other).tokenizer, small.tokenizer);
}

TEST_F(IdentityTest, WhatAnswersDependOnCounts) {
  const Identity small = Of(SmallModel());
  RawFile bytes = SmallModel();
  bytes.data[3] = 'x';
  EXPECT_NE(Of(bytes).weights, small.weights);
  RawFile key = SmallModel();
  key.keys[4] = RawKey("llama.rope.scale", 6, Raw(0.25f));
  EXPECT_NE(Of(key).weights, small.weights);
  EXPECT_EQ(Of(key).tokenizer, small.tokenizer);
  RawFile shape = SmallModel();
  uint64_t offset = 0;
  for (uint64_t i = 0; i < 5; ++i) offset += (16 * (i + 1) + 31) / 32 * 32;
  shape.tensors[5] = RawTensor("t.5", {6, 4}, 0, offset);
  EXPECT_NE(Of(shape).weights, small.weights);
}

TEST_F(IdentityTest, TheVocabularyCountsByItself) {
  const Identity small = Of(SmallModel());
  RawFile tokens = SmallModel();
  tokens.keys[5] = RawKey("tokenizer.ggml.tokens", 9,
                          RawArray(8, 2, RawString("a\xFF") + RawString("")));
  EXPECT_NE(Of(tokens).tokenizer, small.tokenizer);
  EXPECT_EQ(Of(tokens).weights, small.weights);
}

}  // namespace
}  // namespace braid::gguf
