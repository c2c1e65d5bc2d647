#include <gtest/gtest.h>

#include <set>

#include "base/check.h"
#include "base/random.h"
#include "braid/tokenizer.h"
#include "tokenizer/utf8.h"

namespace braid {
namespace {

// Token n is the byte n.
class Bytes : public Tokenizer {
 public:
  std::vector<TokenId> Encode(std::string_view,
                              const EncodeOptions&) const override {
    BRAID_CHECK(false);
  }
  std::string Piece(TokenId token, const DecodeOptions&) const override {
    return std::string(1, static_cast<char>(token));
  }
  std::string Decode(std::span<const TokenId>,
                     const DecodeOptions&) const override {
    BRAID_CHECK(false);
  }
  int vocabulary_size() const override { return 256; }
  TokenId bos() const override { return kNoToken; }
  TokenId eos() const override { return kNoToken; }
  bool adds_bos() const override { return false; }
  bool IsEndOfGeneration(TokenId) const override { return false; }
  bool IsControl(TokenId) const override { return false; }
  std::string_view StoredText(TokenId) const override { return ""; }
};

TEST(StreamingTest, HoldsBackTheBytesOfAnUnfinishedCharacter) {
  const Bytes bytes;
  StreamingDetokenizer detokenizer(bytes);
  EXPECT_EQ(detokenizer.Add('a'), "a");
  EXPECT_EQ(detokenizer.Add(0xF0), "");
  EXPECT_EQ(detokenizer.Add(0x9F), "");
  EXPECT_EQ(detokenizer.Add(0x98), "");
  EXPECT_EQ(detokenizer.Add(0x80), "\U0001F600");
  EXPECT_EQ(detokenizer.Finish(), "");
}

TEST(StreamingTest, LetsBytesPassThatCannotBecomeACharacter) {
  const Bytes bytes;
  StreamingDetokenizer detokenizer(bytes);
  EXPECT_EQ(detokenizer.Add(0xFF), "\xFF");
  EXPECT_EQ(detokenizer.Add(0x80), "\x80");
  EXPECT_EQ(detokenizer.Add(0xE2), "");
  EXPECT_EQ(detokenizer.Add('b'),
            "\xE2"
            "b");
  EXPECT_EQ(detokenizer.Add(0xE2), "");
  EXPECT_EQ(detokenizer.Add(0xE2), "\xE2");
  EXPECT_EQ(detokenizer.Finish(), "\xE2");
  EXPECT_EQ(detokenizer.Finish(), "");
}

TEST(StreamingTest, AnyBytesComeOutUnchangedAndNoCharacterIsSplit) {
  const Bytes bytes;
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    StreamingDetokenizer detokenizer(bytes);
    std::string input;
    for (int i = random.Below(12); i >= 0; --i) {
      if (random.Below(2) == 0) {
        AppendUtf8(static_cast<uint32_t>(random.Below(0xD800)), input);
      } else {
        input.push_back(static_cast<char>(random.Below(256)));
      }
    }
    std::set<size_t> boundaries = {0};
    for (size_t at = 0; at < input.size();) {
      at += DecodeUtf8(input, at).length;
      boundaries.insert(at);
    }
    std::string output;
    for (const char byte : input) {
      output += detokenizer.Add(static_cast<uint8_t>(byte));
      ASSERT_TRUE(boundaries.contains(output.size()));
    }
    output += detokenizer.Finish();
    ASSERT_EQ(output, input);
  }
}

}  // namespace
}  // namespace braid
