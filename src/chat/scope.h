// Scope: the variables of a block, and those around it.
#ifndef BRAID_SRC_CHAT_SCOPE_H_
#define BRAID_SRC_CHAT_SCOPE_H_

#include <string_view>
#include <utility>
#include <vector>

#include "chat/value.h"

namespace braid::chat {

// Names are views of the template or of the input, which outlive it.
class Scope : public Object {
 public:
  // Null: nowhere.
  const Value* Find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
      for (const auto& [known, value] : scope->variables_) {
        if (known == name) return &value;
      }
    }
    return nullptr;
  }

  void Set(std::string_view name, Value value) {
    for (auto& [known, old] : variables_) {
      if (known == name) {
        old = std::move(value);
        return;
      }
    }
    variables_.emplace_back(name, std::move(value));
  }

  void set_parent(const Scope* parent) { parent_ = parent; }

 private:
  const Scope* parent_ = nullptr;
  std::vector<std::pair<std::string_view, Value>> variables_;
};

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_SCOPE_H_
