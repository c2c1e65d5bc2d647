#include "gguf/value_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace braid::gguf {
namespace {

// The value as text, with its type: "i8 -3".
std::string Parsed(std::string_view type, std::string_view text) {
  const auto found = FindValueType(type);
  EXPECT_TRUE(found.has_value()) << type;
  const auto value = ParseValue(*found, text);
  if (!value.ok()) return value.error().message;
  return TypeText(*value) + " " + ValueText(*value);
}

TEST(ParseValue, EveryTypeAtItsLimits) {
  EXPECT_EQ(Parsed("u8", "255"), "u8 255");
  EXPECT_EQ(Parsed("i8", "-128"), "i8 -128");
  EXPECT_EQ(Parsed("u16", "65535"), "u16 65535");
  EXPECT_EQ(Parsed("i16", "-32768"), "i16 -32768");
  EXPECT_EQ(Parsed("u32", "4294967295"), "u32 4294967295");
  EXPECT_EQ(Parsed("i32", "-2147483648"), "i32 -2147483648");
  EXPECT_EQ(Parsed("u64", "18446744073709551615"), "u64 18446744073709551615");
  EXPECT_EQ(Parsed("i64", "-9223372036854775808"), "i64 -9223372036854775808");
  EXPECT_EQ(Parsed("f32", "0.1"), "f32 0.1");
  EXPECT_EQ(Parsed("f32", "-inf"), "f32 -inf");
  EXPECT_EQ(Parsed("f64", "1e300"), "f64 1e+300");
  EXPECT_EQ(Parsed("bool", "true"), "bool true");
  EXPECT_EQ(Parsed("bool", "false"), "bool false");
  EXPECT_EQ(Parsed("string", ""), "string \"\"");
  EXPECT_EQ(Parsed("string", " 1 "), "string \" 1 \"");
}

TEST(ParseValue, OtherTextsAreRefused) {
  EXPECT_EQ(Parsed("u8", "256"), "\"256\" is out of the range of u8");
  EXPECT_EQ(Parsed("i8", "-129"), "\"-129\" is out of the range of i8");
  EXPECT_EQ(Parsed("u32", "-1"), "\"-1\" is no u32");
  EXPECT_EQ(Parsed("i32", ""), "\"\" is no i32");
  EXPECT_EQ(Parsed("i32", "1.5"), "\"1.5\" is no i32");
  EXPECT_EQ(Parsed("i32", " 1"), "\" 1\" is no i32");
  EXPECT_EQ(Parsed("f32", "1e39"), "\"1e39\" is out of the range of f32");
  EXPECT_EQ(Parsed("f64", "one"), "\"one\" is no f64");
  EXPECT_EQ(Parsed("bool", "1"), "\"1\" is no bool, expected true or false");
  EXPECT_EQ(Parsed("array", "[1]"),
            "array cannot be set, only numbers, bools and strings");
}

TEST(FindValueType, NamesOnly) {
  EXPECT_EQ(FindValueType("f64"), ValueType::kF64);
  EXPECT_EQ(FindValueType("unknown"), std::nullopt);
  EXPECT_EQ(FindValueType(""), std::nullopt);
}

}  // namespace
}  // namespace braid::gguf
