#include "chat/default_templates.h"

#include "base/format.h"

namespace braid::chat {

namespace {

constexpr std::string_view kPlain =
    "{% for message in messages %}{{ message.content }}"
    "{% if message.role == 'system' %}{{ '\\n' }}{% endif %}{% endfor %}";

constexpr std::string_view kRwkvWorld =
    "{% for message in messages %}"
    "{{ 'System' if message.role == 'system' else "
    "'User' if message.role == 'user' else 'Assistant' }}"
    "{{ ': ' ~ message.content | trim ~ '\\n\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}";

}  // namespace

Result<TemplateSource> TemplateOf(std::string_view stored) {
  if (stored.empty()) {
    return TemplateSource{"plain", kPlain, true};
  }
  if (stored == "rwkv-world") {
    return TemplateSource{"rwkv-world", kRwkvWorld, true};
  }
  if (stored.find("{{") == std::string_view::npos &&
      stored.find("{%") == std::string_view::npos) {
    constexpr size_t kShown = 40;  // bytes
    return Error{Format("tokenizer.chat_template is no template: '{}'",
                        stored.substr(0, kShown))};
  }
  return TemplateSource{"of the model", stored};
}

}  // namespace braid::chat
