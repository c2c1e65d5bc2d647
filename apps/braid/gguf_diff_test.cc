#include "apps/braid/gguf_diff.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/braid/gguf_json.h"
#include "gguf/raw_file_for_test.h"

namespace braid::cli {
namespace {

using gguf::Raw;
using gguf::RawArray;
using gguf::RawKey;
using gguf::RawString;
using gguf::RawTensor;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string Floats(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) bytes += Raw(value);
  bytes.resize((bytes.size() + 31) / 32 * 32);
  return bytes;
}

// One F32 tensor and no keys.
gguf::RawFile OneTensor(const std::vector<float>& values) {
  gguf::RawFile file;
  file.tensors = {RawTensor("t", {values.size()}, 0, 0)};
  file.data = Floats(values);
  return file;
}

// Two files in memory, and what is different.
struct Compared {
  Compared(const gguf::RawFile& one, const gguf::RawFile& other,
           const GgufDiffOptions& options = {})
      : bytes_a(one.Bytes()),
        bytes_b(other.Bytes()),
        a(gguf::File::Parse(gguf::AsBytes(bytes_a))),
        b(gguf::File::Parse(gguf::AsBytes(bytes_b))),
        diff(CompareGguf(a.value(), b.value(), options)) {}

  std::string bytes_a;
  std::string bytes_b;
  Result<gguf::File> a;
  Result<gguf::File> b;
  GgufDiff diff;
};

ValueDifference Values(const std::vector<float>& a,
                       const std::vector<float>& b) {
  const Compared compared(OneTensor(a), OneTensor(b));
  EXPECT_EQ(compared.diff.different_tensors.size(), 1u);
  if (compared.diff.different_tensors.empty()) return {};
  EXPECT_TRUE(compared.diff.different_tensors[0].values.has_value());
  return compared.diff.different_tensors[0].values.value_or(ValueDifference());
}

TEST(GgufDiffTest, AFileEqualsItselfWithNaNInIt) {
  gguf::RawFile file = OneTensor({1, kNaN, -0.0f});
  file.keys = {
      RawKey("nan", 6, Raw(kNaN)),
      RawKey("list", 9, RawArray(9, 1, RawArray(8, 1, RawString("deep"))))};
  const Compared compared(file, file);
  EXPECT_TRUE(compared.diff.Equal());
  EXPECT_EQ(compared.diff.equal_keys, 2u);
  EXPECT_EQ(compared.diff.equal_tensors, 1u);
}

TEST(GgufDiffTest, OrderAndCutsMakeNoDifference) {
  gguf::RawFile one;
  one.keys = {RawKey("x", 0, "\x01"), RawKey("y", 0, "\x02"),
              RawKey("split.no", 2, Raw(uint16_t{0}))};
  one.tensors = {RawTensor("t", {2}, 0, 0), RawTensor("u", {1}, 0, 32)};
  one.data = Floats({1, 2}) + Floats({3});
  gguf::RawFile other;
  other.keys = {RawKey("y", 0, "\x02"), RawKey("x", 0, "\x01")};
  other.tensors = {RawTensor("u", {1}, 0, 0), RawTensor("t", {2}, 0, 32)};
  other.data = Floats({3}) + Floats({1, 2});
  EXPECT_TRUE(Compared(one, other).diff.Equal());
}

TEST(GgufDiffTest, KeysAreAddedRemovedAndChanged) {
  gguf::RawFile one = OneTensor({1});
  one.keys = {RawKey("gone", 0, "\x01"), RawKey("width", 4, Raw(7u)),
              RawKey("name", 8, RawString("a")),
              RawKey("list", 9, RawArray(8, 1, RawString("a")))};
  gguf::RawFile other = OneTensor({1});
  // Another type is another value; -0 is not 0; neither is a longer list.
  other.keys = {
      RawKey("new", 7, "\x01"), RawKey("width", 10, Raw(uint64_t{7})),
      RawKey("name", 8, RawString("a")),
      RawKey("list", 9, RawArray(8, 2, RawString("a") + RawString("b")))};
  const Compared compared(one, other);
  EXPECT_FALSE(compared.diff.Equal());
  EXPECT_EQ(compared.diff.equal_keys, 1u);
  EXPECT_EQ(DiffText(compared.diff),
            "metadata: 1 equal, 1 only in the first, 1 only in the second, 2 "
            "changed\n"
            "- \"gone\": u8 1\n"
            "+ \"new\": bool true\n"
            "~ \"width\": u32 7 -> u64 7\n"
            "~ \"list\": string[1] [\"a\"] -> string[2] [\"a\", \"b\"]\n"
            "tensors: 1 equal, 0 only in the first, 0 only in the second, 0 "
            "different\n");
}

TEST(GgufDiffTest, ValuesAreMeasured) {
  const ValueDifference values = Values({3, 4, 0, 0}, {3, 2, 0, 2});
  EXPECT_EQ(values.elements, 4u);
  EXPECT_EQ(values.different, 2u);
  EXPECT_EQ(values.non_finite, 0u);
  EXPECT_EQ(values.max_absolute, 2);
  EXPECT_EQ(values.max_relative, 1);  // 0 and 2
  EXPECT_EQ(values.rmse, std::sqrt(2.0));
  EXPECT_EQ(values.relative_rmse, std::sqrt(8.0 / 25.0));
}

TEST(GgufDiffTest, WhatIsNotFiniteIsCountedAndKeptOutOfTheSums) {
  const ValueDifference values = Values({1, kNaN, kInfinity, kInfinity, 1},
                                        {2, kNaN, kInfinity, -kInfinity, kNaN});
  EXPECT_EQ(values.non_finite, 2u);
  EXPECT_EQ(values.different, 1u);
  EXPECT_EQ(values.max_absolute, 1);
  EXPECT_EQ(values.rmse, 1);
}

TEST(GgufDiffTest, TensorsOfSeveralPiecesAreReadToTheEnd) {
  std::vector<float> a((1 << 19) + 3, 1.0f);
  std::vector<float> b = a;
  b.back() = 1.5f;
  b[1 << 18] = 0.75f;
  const ValueDifference values = Values(a, b);
  EXPECT_EQ(values.elements, a.size());
  EXPECT_EQ(values.different, 2u);
  EXPECT_EQ(values.max_absolute, 0.5);
}

TEST(GgufDiffTest, TypesAreDecodedAndShapesAreNot) {
  gguf::RawFile one;
  one.tensors = {RawTensor("half", {2}, 1, 0), RawTensor("shape", {2}, 0, 32),
                 RawTensor("whole", {2}, 24, 64), RawTensor("a", {1}, 0, 96)};
  one.data = Raw(uint16_t{0x3C00}) + Raw(uint16_t{0xC000});  // 1, -2
  one.data.resize(128);
  gguf::RawFile other;
  other.tensors = {RawTensor("half", {2}, 0, 0), RawTensor("shape", {1}, 0, 32),
                   RawTensor("whole", {2}, 24, 64), RawTensor("b", {1}, 0, 96)};
  other.data = Floats({1, -2});
  other.data.resize(128);
  other.data[64] = '\x01';
  const Compared compared(one, other);
  EXPECT_EQ(DiffText(compared.diff),
            "metadata: 0 equal, 0 only in the first, 0 only in the second, 0 "
            "changed\n"
            "tensors: 0 equal, 1 only in the first, 1 only in the second, 3 "
            "different\n"
            "- \"a\": F32 {1}\n"
            "+ \"b\": F32 {1}\n"
            "~ \"half\": F16 {2} -> F32 {2}: equal values\n"
            "~ \"shape\": F32 {2} -> F32 {1}: another shape\n"
            "~ \"whole\": I8 {2}: other bytes\n");
}

TEST(GgufDiffTest, WithoutValuesOnlyTypesAndShapesCount) {
  const Compared compared(OneTensor({1, 2}), OneTensor({1, 3}),
                          {.values = false, .progress = {}});
  EXPECT_TRUE(compared.diff.Equal());
}

TEST(GgufDiffTest, JsonHasTheSame) {
  gguf::RawFile one = OneTensor({3, 4});
  one.keys = {RawKey("name", 8, RawString("a"))};
  gguf::RawFile other = OneTensor({3, 2});
  other.keys = {RawKey("name", 8, RawString("b")), RawKey("new", 0, "\x01")};
  const Compared compared(one, other);
  const auto document = nlohmann::json::parse(DiffJson(compared.diff));
  EXPECT_EQ(document["equal"], false);
  EXPECT_EQ(document["values_read"], true);
  EXPECT_EQ(document["metadata"]["added"]["new"]["value"], 1);
  EXPECT_TRUE(document["metadata"]["removed"].empty());
  EXPECT_EQ(document["metadata"]["changed"]["name"][1]["value"], "b");
  const auto& tensor = document["tensors"]["different"][0];
  EXPECT_EQ(tensor["name"], "t");
  EXPECT_EQ(tensor["shapes"], (nlohmann::json{{2}, {2}}));
  EXPECT_EQ(tensor["types"], (nlohmann::json{"F32", "F32"}));
  EXPECT_EQ(tensor["values"]["different"], 1);
  EXPECT_EQ(tensor["values"]["max_absolute"], 2);
  EXPECT_EQ(tensor["values"]["relative_rmse"], 0.4);
}

}  // namespace
}  // namespace braid::cli
