// Json: a JSON value from outside, as a tree that is only read.
//
// What Python writes is understood too: NaN, Infinity and -Infinity, which
// standard JSON does not have, become null; integers that do not fit 64 bits
// ("model_max_length": 1000000000000000019884624838656) floating-point numbers.
#ifndef BRAID_SRC_JSON_JSON_H_
#define BRAID_SRC_JSON_JSON_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "braid/result.h"

namespace braid {

// Immutable once it is made. A question about a value of another kind has the
// empty answer, so that a path of questions needs one check at its end.
class Json {
 public:
  using Member = std::pair<std::string, Json>;

  // Values nested deeper are refused.
  static constexpr size_t kMaxDepth = 64;

  // Errors: the parser's, in words.
  static Result<Json> Parse(std::string_view text);
  // The same of a file; errors name it.
  static Result<Json> Read(const std::string& path);

  // null
  Json() = default;
  template <class T>
  explicit Json(T value) : value_(std::move(value)) {}

  bool IsNull() const { return std::holds_alternative<std::monostate>(value_); }
  std::optional<bool> Bool() const;
  // A whole number, however it is written (2, 2.0), that fits 64 bits.
  std::optional<int64_t> Int() const;
  std::optional<double> Number() const;
  const std::string* Text() const;
  bool IsArray() const;
  bool IsObject() const;
  // Empty unless it is an array; an object.
  std::span<const Json> Elements() const;
  std::span<const Member> Members() const;

  // The member of that name, the last of several; null if there is none.
  // Takes time in proportion to the number of members.
  const Json& operator[](std::string_view key) const;

  // Is it a floating-point number, written with a point or an exponent?
  bool IsFloat() const { return std::holds_alternative<double>(value_); }

  // "a number", "an object": what it is, for an error message.
  std::string_view Kind() const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string,
               std::vector<Json>, std::vector<Member>>
      value_;
};

// `json` on one line, members in their order; numbers read back the same.
std::string WriteJson(const Json& json);

}  // namespace braid

#endif  // BRAID_SRC_JSON_JSON_H_
