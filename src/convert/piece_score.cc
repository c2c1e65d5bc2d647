#include "convert/piece_score.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/format.h"

namespace braid::convert {

namespace {

// The largest power of ten that is a double.
constexpr int kLargestExponent = 308;

// The double closest to it; std::pow may be off.
double PowerOfTen(int exponent) {
  const std::string text = Format("1e{}", exponent);
  double power = 0;
  std::from_chars(text.data(), text.data() + text.size(), power);
  return power;
}

}  // namespace

double ScoreAsRead(double score) {
  // 17 digits, a point and an exponent.
  std::array<char, 32> buffer;
  char* const end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                    std::abs(score), std::chars_format::scientific)
          .ptr;
  uint64_t digits = 0;
  int exponent = 0;
  bool in_fraction = false;
  const char* at = buffer.data();
  for (; at < end && *at != 'e'; ++at) {
    if (*at == '.') {
      in_fraction = true;
      continue;
    }
    digits = digits * 10 + static_cast<uint64_t>(*at - '0');
    if (in_fraction) --exponent;
  }
  // std::from_chars takes no plus.
  at += at + 1 < end && at[1] == '+' ? 2 : 1;
  int written = 0;
  std::from_chars(at, end, written);
  exponent += written;
  auto read = static_cast<double>(digits);
  for (; exponent < -kLargestExponent; exponent += kLargestExponent) {
    read /= PowerOfTen(kLargestExponent);
  }
  read =
      exponent < 0 ? read / PowerOfTen(-exponent) : read * PowerOfTen(exponent);
  return std::copysign(read, score);
}

}  // namespace braid::convert
