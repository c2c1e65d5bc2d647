// Runtime: what one rendering may use up, and what it has made.
#ifndef BRAID_SRC_CHAT_RUNTIME_H_
#define BRAID_SRC_CHAT_RUNTIME_H_

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/result.h"
#include "chat/value.h"

namespace braid::chat {

// A template that needs more is refused with an error that names the limit.
struct TemplateLimits {
  size_t template_bytes = size_t{1} << 20;
  // Expressions and statements that are run, and elements that are touched.
  int64_t steps = 20'000'000;
  // Characters of all strings that are made on the way.
  int64_t characters = int64_t{1} << 26;
  // Bytes of lists, dicts, scopes and other values than strings.
  size_t value_bytes = size_t{256} << 20;
  // Of expressions, statements, macros and containers inside one another.
  int depth = 600;
  size_t output_bytes = size_t{32} << 20;
};

struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;
};

class Runtime;
using Function = Result<Value> (*)(Runtime&, const Value& self,
                                   const Arguments& arguments);
struct Statement;
class Scope;

// A function, a method bound to a value, or a macro.
struct Callable : Object {
  std::string name;
  Function function = nullptr;
  Value self;
  const Statement* macro = nullptr;  // if there is no function
  Scope* home = nullptr;             // where the macro was defined
};

// Not thread-safe; not moved while values of it live.
class Runtime {
 public:
  Runtime(const TemplateLimits& limits, const std::optional<std::tm>& now)
      : limits_(limits), now_(now) {}

  const TemplateLimits& limits() const { return limits_; }
  // The local time of strftime_now, if the caller gave one.
  const std::optional<std::tm>& now() const { return now_; }

  Status Spend(size_t steps);
  // Memory of values; the next Spend fails if it is more than is allowed.
  void Charge(size_t bytes) { value_bytes_ += bytes; }
  // Fails if `text` is more than what may still be made.
  Result<Value> NewString(Text text, bool markup = false);

  template <class T>
  T* New() {
    auto object = std::make_unique<T>();
    T* const pointer = object.get();
    objects_.push_back(std::move(object));
    Charge(sizeof(T) + kObjectOverhead);
    return pointer;
  }
  Value NewSequence(Sequence::Kind kind, Values items);
  Value NewList(Values items) {
    return NewSequence(Sequence::Kind::kList, std::move(items));
  }
  Value NewTuple(Values items) {
    return NewSequence(Sequence::Kind::kTuple, std::move(items));
  }
  Value NewGenerator(Values items) {
    return NewSequence(Sequence::Kind::kGenerator, std::move(items));
  }
  Value NewMethod(std::string_view name, Function function, const Value& self);

  // Counts one level of what may be inside one another, while it lives.
  class Level {
   public:
    explicit Level(Runtime& runtime) : runtime_(runtime) { ++runtime.level_; }
    ~Level() { --runtime_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Status status() const;

   private:
    Runtime& runtime_;
  };

 private:
  // The allocator's, and what an object's first members take.
  static constexpr size_t kObjectOverhead = 128;

  TemplateLimits limits_;
  std::optional<std::tm> now_;
  int64_t steps_ = 0;
  int64_t characters_ = 0;
  size_t value_bytes_ = 0;
  int level_ = 0;
  std::vector<std::unique_ptr<Object>> objects_;
};

// The arguments of a call in the order of `names`; what was not given stays
// empty. Error: an argument too many, given twice, or of another name.
Result<std::vector<std::optional<Value>>> Bind(
    std::string_view function, std::initializer_list<std::string_view> names,
    const Arguments& arguments);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_RUNTIME_H_
