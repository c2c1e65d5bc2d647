#include "chat/default_templates.h"

#include <gtest/gtest.h>

#include <string>

#include "chat/chat_template.h"

namespace braid::chat {
namespace {

std::string RenderedBy(std::string_view stored) {
  const auto source = TemplateOf(stored);
  if (!source.ok()) return source.error().message;
  const auto message = [](const char* role, const char* content) {
    return Input{Input::Dict{{"role", Input::Own(role)},
                             {"content", Input::Said(content)}}};
  };
  const auto parsed = ChatTemplate::Parse(source->text);
  EXPECT_TRUE(parsed.ok());
  const auto rendered = parsed->Render(
      {{"messages",
        {Input::List{message("system", "S"), message("user", "U "),
                     message("assistant", " A"), message("user", "V")}}},
       {"add_generation_prompt", {true}}});
  EXPECT_TRUE(rendered.ok());
  return rendered->text;
}

TEST(DefaultTemplatesTest, AreForModelsWithoutTheirOwn) {
  EXPECT_EQ(RenderedBy(""), "S\nU  AV");
  EXPECT_EQ(RenderedBy("rwkv-world"),
            "System: S\n\nUser: U\n\nAssistant: A\n\nUser: V\n\nAssistant:");
  EXPECT_EQ(RenderedBy("{{ messages[1].content }}!"), "U !");
}

TEST(DefaultTemplatesTest, ANameIsNoTemplate) {
  EXPECT_EQ(RenderedBy("chatml"),
            "tokenizer.chat_template is no template: 'chatml'");
}

}  // namespace
}  // namespace braid::chat
