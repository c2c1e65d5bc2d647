#include "apps/braid/conversation.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace braid::cli {
namespace {

// The error of reading a file with this text.
std::string Refusal(const std::string& text) {
  const std::string path = testing::TempDir() + "/conversation_test.json";
  std::ofstream(path) << text;
  const auto read = ReadConversation(path);
  std::filesystem::remove(path);
  return read.ok() ? "" : read.error().message;
}

TEST(ConversationTest, IsReadAsItWasWritten) {
  const SavedConversation said = {
      .messages = {{"system", "be \"nice\"\n"},
                   {"user", "\xe4\xbd\xa0\t</s>"},
                   {"assistant", ""}},
      .text = "<s>all\n",
      .tokens = DigestOf(std::vector<TokenId>{1, 2, 3}),
      .turns = {{0, 0}, {-1, -1}, {7, 5}}};
  const std::string path = testing::TempDir() + "/conversation_round.json";
  std::ofstream(path) << ConversationText(said);
  const auto read = ReadConversation(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(ConversationText(*read), ConversationText(said));
  EXPECT_EQ(read->messages[1].content, said.messages[1].content);
  EXPECT_EQ(read->text, said.text);
  ASSERT_EQ(read->turns.size(), 3u);
  EXPECT_EQ(read->turns[2].position, 7);
  EXPECT_NE(said.tokens, DigestOf(std::vector<TokenId>{1, 3, 2}));
}

TEST(ConversationTest, OtherFilesAreRefused) {
  EXPECT_EQ(Refusal(ConversationText({})), "");
  EXPECT_NE(Refusal("{"), "");
  EXPECT_NE(Refusal("{}").find("no saved conversation"), std::string::npos);
  EXPECT_NE(Refusal(R"({"text": "", "tokens": "",
                         "messages": [{"role": "user", "content": "a"},
                                     {"role": "tool", "content": "b"}]})")
                .find("message 2 has no role"),
            std::string::npos);
  EXPECT_NE(Refusal(R"({"text": "", "tokens": "",
                         "messages": [{"role": "user"}]})")
                .find("message 1 has no role or no content"),
            std::string::npos);
  EXPECT_NE(
      ReadConversation("/no/such/file").error().message.find("/no/such/file"),
      std::string::npos);
}

}  // namespace
}  // namespace braid::cli
