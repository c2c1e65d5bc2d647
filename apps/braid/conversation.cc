#include "apps/braid/conversation.h"

#include <algorithm>
#include <utility>

#include "apps/braid/json_text.h"
#include "base/format.h"
#include "base/hasher.h"
#include "base/try.h"
#include "chat/default_templates.h"
#include "json/json.h"

namespace braid::cli {

namespace {

std::tm LocalTime() {
  const std::time_t now = std::time(nullptr);
  std::tm local = {};
  localtime_r(&now, &local);
  return local;
}

bool IsRole(const std::string& role) {
  return role == "system" || role == "user" || role == "assistant";
}

}  // namespace

std::string DigestOf(std::span<const TokenId> tokens) {
  Hasher hasher(HashKind::kXxh64);
  hasher.Add(std::as_bytes(tokens));
  return hasher.Finish();
}

std::string ConversationText(const SavedConversation& saved) {
  std::string text = "{\"messages\": [";
  for (const Message& message : saved.messages) {
    text += Format("{}\n  {\"role\": {}, \"content\": {}}",
                   &message == saved.messages.data() ? "" : ",",
                   JsonText(message.role), JsonText(message.content));
  }
  text += Format("],\n \"text\": {},\n \"tokens\": {},\n \"turns\": [",
                 JsonText(saved.text), JsonText(saved.tokens));
  for (const SavedConversation::Turn& turn : saved.turns) {
    text += Format("{}{\"position\": {}, \"bytes\": {}}",
                   &turn == saved.turns.data() ? "" : ", ", turn.position,
                   turn.bytes);
  }
  return text + "]}\n";
}

Result<SavedConversation> ReadConversation(const std::string& path) {
  BRAID_ASSIGN(const Json json, Json::Read(path));
  const std::string* text = json["text"].Text();
  const std::string* tokens = json["tokens"].Text();
  if (!json["messages"].IsArray() || text == nullptr || tokens == nullptr) {
    return Error{Format("{} is no saved conversation", path)};
  }
  SavedConversation saved = {{}, *text, *tokens, {}};
  for (const Json& message : json["messages"].Elements()) {
    const std::string* role = message["role"].Text();
    const std::string* content = message["content"].Text();
    if (role == nullptr || content == nullptr || !IsRole(*role)) {
      return Error{Format("{}: message {} has no role or no content", path,
                          saved.messages.size() + 1)};
    }
    saved.messages.push_back({*role, *content});
  }
  for (const Json& turn : json["turns"].Elements()) {
    saved.turns.push_back({turn["position"].Int().value_or(-1),
                           turn["bytes"].Int().value_or(-1)});
  }
  return saved;
}

Prompter::Prompter(const Model& model, chat::ChatTemplate format,
                   std::string name, bool marks_start)
    : template_(std::move(format)),
      name_(std::move(name)),
      marks_start_(marks_start),
      tokenizer_(&model.tokenizer()),
      encoder_(model.tokenizer()),
      now_(LocalTime()) {}

Result<Prompter> Prompter::Create(const Model& model, std::string_view stored) {
  BRAID_ASSIGN(const chat::TemplateSource source, chat::TemplateOf(stored));
  auto parsed = chat::ChatTemplate::Parse(source.text);
  if (!parsed.ok()) {
    return Error{Format("the chat template: {}", parsed.error().message)};
  }
  return Prompter(model, *std::move(parsed), std::string(source.name),
                  source.marks_start);
}

Result<chat::Rendered> Prompter::Render(const Conversation& conversation,
                                        bool answer) const {
  chat::Input::List messages;
  for (const Message& message : conversation) {
    messages.push_back(
        {chat::Input::Dict{{"role", chat::Input::Own(message.role)},
                           {"content", chat::Input::Said(message.content)}}});
  }
  const auto text_of = [&](TokenId token) {
    return chat::Input::Own(std::string(tokenizer_->StoredText(token)));
  };
  auto rendered = template_.Render({{"messages", {std::move(messages)}},
                                    {"add_generation_prompt", {answer}},
                                    {"bos_token", text_of(tokenizer_->bos())},
                                    {"eos_token", text_of(tokenizer_->eos())}},
                                   now_);
  if (rendered.ok()) return rendered;
  return Error{Format("the chat template: {}", rendered.error().message)};
}

std::vector<TokenId> Prompter::Encode(const chat::Rendered& rendered,
                                      size_t begin) const {
  std::vector<chat::ByteRange> spoken;
  for (const chat::ByteRange& range : rendered.spoken) {
    if (range.end <= begin) continue;
    spoken.push_back({std::max(range.begin, begin) - begin, range.end - begin});
  }
  return encoder_.Encode(std::string_view(rendered.text).substr(begin), spoken,
                         marks_start_ && begin == 0);
}

}  // namespace braid::cli
