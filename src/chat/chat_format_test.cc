#include "chat/chat_format.h"

#include <gtest/gtest.h>

#include <string>

namespace braid {
namespace {

const ChatFormat& Named(std::string_view name) {
  const auto format = ChatFormatNamed(name);
  EXPECT_TRUE(format.ok());
  return **format;
}

TEST(ChatFormatTest, Turns) {
  EXPECT_EQ(Named("chatml").FirstTurn("S", "U"),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(Named("chatml").NextTurn("V"),
            "<|im_end|>\n<|im_start|>user\nV<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(Named("gemma").FirstTurn("S", "U"),
            "<start_of_turn>user\nS\n\nU<end_of_turn>\n"
            "<start_of_turn>model\n");
  EXPECT_EQ(Named("llama2").FirstTurn("S", "U"),
            "[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST]");
  EXPECT_EQ(Named("plain").FirstTurn("", "U"), "U");
  EXPECT_EQ(Named("plain").NextTurn("V"), "V");
}

TEST(ChatFormatTest, TemplatesAreRecognised) {
  const auto name_of = [](std::string_view text) {
    const auto format = ChatFormatOf(text);
    return format.ok() ? std::string((*format)->name) : format.error().message;
  };
  EXPECT_EQ(name_of(""), "plain");
  EXPECT_EQ(name_of("{{'<|im_start|>' + message['role'] + '\n'}}"), "chatml");
  EXPECT_EQ(name_of("{{ '<start_of_turn>' + role }}"), "gemma");
  EXPECT_EQ(name_of("{{ '[INST] <<SYS>>' }}"), "llama2");
  EXPECT_EQ(name_of("{{ '[INST]' }}"), "mistral");
  EXPECT_EQ(name_of("{{ '<|start_header_id|>' }}"), "llama3");
  EXPECT_EQ(name_of("rwkv-world"), "rwkv-world");
  EXPECT_NE(name_of("{{ messages }}").find("--chat-template"),
            std::string::npos);
}

TEST(ChatFormatTest, AnUnknownNameListsTheKnown) {
  const auto format = ChatFormatNamed("nobody");
  ASSERT_FALSE(format.ok());
  EXPECT_NE(format.error().message.find("chatml, gemma"), std::string::npos);
}

}  // namespace
}  // namespace braid
