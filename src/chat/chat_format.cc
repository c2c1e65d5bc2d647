#include "chat/chat_format.h"

#include <algorithm>
#include <iterator>

#include "base/format.h"

namespace braid {

namespace {

// The first whose marker a template has is taken, so special ones come first.
constexpr ChatFormat kFormats[] = {
    {.name = "llama3",
     .marker = "<|start_header_id|>",
     .system = {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
     .user = {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
     .assistant = {"<|start_header_id|>assistant<|end_header_id|>\n\n",
                   "<|eot_id|>"}},
    {.name = "chatml",
     .marker = "<|im_start|>",
     .system = {"<|im_start|>system\n", "<|im_end|>\n"},
     .user = {"<|im_start|>user\n", "<|im_end|>\n"},
     .assistant = {"<|im_start|>assistant\n", "<|im_end|>\n"}},
    {.name = "gemma",
     .marker = "<start_of_turn>",
     .system = {"", "\n\n"},
     .user = {"<start_of_turn>user\n", "<end_of_turn>\n"},
     .assistant = {"<start_of_turn>model\n", "<end_of_turn>\n"},
     .system_in_user = true},
    {.name = "granite",
     .marker = "<|start_of_role|>",
     .system = {"<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>\n"},
     .user = {"<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>\n"},
     .assistant = {"<|start_of_role|>assistant<|end_of_role|>",
                   "<|end_of_text|>\n"}},
    {.name = "phi3",
     .marker = "<|end|>",
     .system = {"<|system|>\n", "<|end|>\n"},
     .user = {"<|user|>\n", "<|end|>\n"},
     .assistant = {"<|assistant|>\n", "<|end|>\n"}},
    {.name = "zephyr",
     .marker = "<|user|>",
     .system = {"<|system|>\n", "</s>\n"},
     .user = {"<|user|>\n", "</s>\n"},
     .assistant = {"<|assistant|>\n", "</s>\n"}},
    {.name = "llama2",
     .marker = "<<SYS>>",
     .system = {"<<SYS>>\n", "\n<</SYS>>\n\n"},
     .user = {"[INST] ", " [/INST]"},
     .assistant = {"", " </s><s>"},
     .system_in_user = true},
    {.name = "mistral",
     .marker = "[INST]",
     .system = {"", "\n\n"},
     .user = {"[INST] ", " [/INST]"},
     .assistant = {"", "</s>"},
     .system_in_user = true},
    {.name = "deepseek",
     .marker = "'User: '",
     .system = {"", "\n\n"},
     .user = {"User: ", "\n\n"},
     .assistant = {"Assistant:", "<｜end▁of▁sentence｜>"}},
    {.name = "rwkv-world",
     .marker = "rwkv-world",
     .system = {"System: ", "\n\n"},
     .user = {"User: ", "\n\n"},
     .assistant = {"Assistant:", "\n\n"}},
    {.name = "vicuna",
     .marker = "USER: ",
     .system = {"", " "},
     .user = {"USER: ", " "},
     .assistant = {"ASSISTANT:", "</s>"}},
    {.name = "plain",
     .marker = "",
     .system = {"", "\n"},
     .user = {"", ""},
     .assistant = {"", ""}},
};

}  // namespace

std::string ChatFormat::FirstTurn(std::string_view system_text,
                                  std::string_view user_text) const {
  std::string said;
  if (!system_text.empty()) {
    said = Format("{}{}{}", system.before, system_text, system.after);
  }
  return system_in_user ? Format("{}{}{}{}{}", user.before, said, user_text,
                                 user.after, assistant.before)
                        : Format("{}{}{}{}{}", said, user.before, user_text,
                                 user.after, assistant.before);
}

std::string ChatFormat::NextTurn(std::string_view user_text) const {
  return Format("{}{}{}{}{}", assistant.after, user.before, user_text,
                user.after, assistant.before);
}

std::span<const ChatFormat> ChatFormats() { return kFormats; }

Result<const ChatFormat*> ChatFormatNamed(std::string_view name) {
  std::string names;
  for (const ChatFormat& format : kFormats) {
    if (format.name == name) return &format;
    names += Format("{}{}", names.empty() ? "" : ", ", format.name);
  }
  return Error{Format("'{}' is no chat format; there are {}", name, names)};
}

Result<const ChatFormat*> ChatFormatOf(std::string_view chat_template) {
  // llama.cpp's convention: the metadata may name a format.
  for (const ChatFormat& format : kFormats) {
    if (chat_template == format.name) return &format;
  }
  if (chat_template.empty()) return &kFormats[std::size(kFormats) - 1];
  for (const ChatFormat& format : kFormats) {
    if (format.marker.empty()) continue;
    if (chat_template.find(format.marker) != std::string_view::npos) {
      return &format;
    }
  }
  return Error{
      "tokenizer.chat_template is none that is known: name one with "
      "--chat-template"};
}

}  // namespace braid
