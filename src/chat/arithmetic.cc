#include "chat/arithmetic.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/format.h"
#include "base/try.h"
#include "chat/operators.h"

namespace braid::chat {

namespace {

Error TooLarge(Operator op) {
  return Error{
      Format("the result of '{}' is no integer of 64 bits", NameOf(op))};
}

Result<int64_t> IntegerPower(int64_t base, int64_t exponent) {
  int64_t power = 1;
  // Any other base is too large after 64 steps.
  if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  for (int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(power, base, &power)) {
      return TooLarge(Operator::kPower);
    }
  }
  return power;
}

Result<Value> FloorDivided(Operator op, int64_t a, int64_t b) {
  if (b == 0) return Error{"a division by zero"};
  if (b == -1) {
    int64_t negated = 0;
    if (op == Operator::kModulo) return Value(int64_t{0});
    if (__builtin_sub_overflow(int64_t{0}, a, &negated)) return TooLarge(op);
    return Value(negated);
  }
  int64_t quotient = a / b;
  int64_t remainder = a % b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) {
    --quotient;
    remainder += b;
  }
  return Value(op == Operator::kModulo ? remainder : quotient);
}

Result<Value> Integers(Operator op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case Operator::kAdd:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case Operator::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case Operator::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case Operator::kFloorDivide:
    case Operator::kModulo:
      return FloorDivided(op, a, b);
    case Operator::kPower: {
      BRAID_ASSIGN(result, IntegerPower(a, b));
      break;
    }
    default:
      break;
  }
  if (overflow) return TooLarge(op);
  return Value(result);
}

// As Python has it: the remainder has the sign of `b`.
Result<Value> FloorDividedReals(Operator op, double a, double b) {
  if (b == 0) return Error{"a division by zero"};
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0) {
    if ((b < 0) != (remainder < 0)) {
      remainder += b;
      quotient -= 1;
    }
  } else {
    remainder = std::copysign(0.0, b);
  }
  if (op == Operator::kModulo) return Value(remainder);
  if (quotient == 0) return Value(std::copysign(0.0, a / b));
  const double whole = std::floor(quotient);
  return Value(quotient - whole > 0.5 ? whole + 1 : whole);
}

Result<Value> Reals(Operator op, double a, double b) {
  switch (op) {
    case Operator::kAdd:
      return Value(a + b);
    case Operator::kSubtract:
      return Value(a - b);
    case Operator::kMultiply:
      return Value(a * b);
    case Operator::kDivide:
      if (b == 0) return Error{"a division by zero"};
      return Value(a / b);
    case Operator::kPower: {
      const bool complex = a < 0 && std::floor(b) != b;
      const double power = std::pow(a, b);
      if (complex || (a == 0 && b < 0) ||
          (std::isinf(power) && std::isfinite(a) && std::isfinite(b))) {
        return Error{Format("{} ** {} is no real number", a, b)};
      }
      return Value(power);
    }
    default:
      return FloorDividedReals(op, a, b);
  }
}

double AsReal(const Value& value) {
  const auto* real = std::get_if<double>(&value);
  return real != nullptr ? *real : static_cast<double>(*AsInteger(value));
}

}  // namespace

std::string_view NameOf(Operator op) {
  constexpr std::array<std::string_view, 15> kNames = {
      "+",  "-", "*",  "/", "//", "%",  "**",    "==",
      "!=", "<", "<=", ">", ">=", "in", "not in"};
  return kNames[static_cast<size_t>(op)];
}

Result<Value> CalculateNumbers(Operator op, const Value& a, const Value& b) {
  const auto left = AsInteger(a);
  const auto right = AsInteger(b);
  const bool real = op == Operator::kDivide ||
                    (op == Operator::kPower && right.value_or(0) < 0);
  if (left.has_value() && right.has_value() && !real) {
    return Integers(op, *left, *right);
  }
  return Reals(op, AsReal(a), AsReal(b));
}

}  // namespace braid::chat
