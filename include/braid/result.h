// Result<T>: a value, or an error that names the thing and both values.
//
// Input can be wrong; code must not be. Whatever comes from outside returns a
// Result; nothing in the library prints, throws across its API, or aborts on
// input. That memory or threads run out is such an error, too. Only what hands
// out a container by value, without a Result (Tokenizer::Encode, Batch::Add),
// throws std::bad_alloc as the container does, and has changed nothing.
//
// A Result may be moved between threads; it holds no reference. Asking a Result
// for what it does not hold is a mistake of the program, and throws.
#ifndef BRAID_RESULT_H_
#define BRAID_RESULT_H_

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace braid {

// One sentence for a person: the thing, what was expected, what was found.
// Example: "blk.3.ssm_conv1d.weight: expected shape {4, 1536}, file has
// {4, 1024}".
struct Error {
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  // Implicit on purpose, so that `return value;` and `return Error{...};` read
  // alike.
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Requires ok().
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Requires !ok().
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  // Requires !ok().
  const Error& error() const { return error_.value(); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace braid

#endif  // BRAID_RESULT_H_
