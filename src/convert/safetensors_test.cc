#include "convert/safetensors.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "convert/folder_for_test.h"

namespace braid::convert {

namespace {

Result<std::vector<SourceTensor>> Parse(const std::string& file) {
  return ParseSafetensors(std::as_bytes(std::span(file)));
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirData) {
  const std::string file = SafetensorsBytes(
      R"({"b": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [8, 20]},)"
      R"( "ids": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]},)"
      R"( "empty": {"dtype": "F32", "shape": [0, 7], "data_offsets": [8, 8]}})",
      std::string(20, 'x'));
  const auto tensors = Parse(file);
  ASSERT_TRUE(tensors.ok()) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 3u);
  EXPECT_EQ((*tensors)[0].name, "ids");
  EXPECT_FALSE((*tensors)[0].type.has_value());
  EXPECT_EQ((*tensors)[1].name, "empty");
  EXPECT_EQ((*tensors)[2].name, "b");
  EXPECT_EQ((*tensors)[2].type, DType::kBF16);
  EXPECT_EQ((*tensors)[2].shape, (Shape{2, 3}));
  EXPECT_EQ((*tensors)[2].bytes.size(), 12u);
}

TEST(Safetensors, RefusesHeadersThatLie) {
  struct Case {
    const char* header;
    const char* error;  // a part of it
  };
  constexpr Case kCases[] = {
      {"[]", "not an object"},
      {"{", "not JSON"},
      {R"({"a": 3})", "dtype"},
      {R"({"a": {"dtype": "F33", "shape": [2], "data_offsets": [0, 8]}})",
       "F33"},
      {R"({"a": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}})",
       "shape"},
      {R"({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}})",
       "shape"},
      {R"({"a": {"dtype": "F32", "shape": [2.5], "data_offsets": [0, 8]}})",
       "shape"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8]}})",
       "data_offsets"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}})",
       "data_offsets 8 to 0"},
      {R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}})",
       "the file has 8"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}})",
       "need 4"},
      // Products that wrap around to 8.
      {R"({"a": {"dtype": "F32", "shape": [4611686018427387906, 1],)"
       R"( "data_offsets": [0, 8]}})",
       "more than fit"},
      {R"({"a": {"dtype": "F32", "shape": [4294967296, 4294967296, 2],)"
       R"( "data_offsets": [0, 8]}})",
       "more than fit"},
      // Holes, overlaps and names that come twice.
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})",
       "8 bytes of data"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})",
       "begins at 4"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},)"
       R"( "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})",
       "begins at 4"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},)"
       R"( "a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})",
       "twice"},
  };
  for (const auto& [header, error] : kCases) {
    const auto tensors = Parse(SafetensorsBytes(header, "12345678"));
    ASSERT_FALSE(tensors.ok()) << header;
    EXPECT_NE(tensors.error().message.find(error), std::string::npos)
        << header << "\n"
        << tensors.error().message;
  }
}

TEST(Safetensors, RefusesLengthsThatLie) {
  const std::string good = SafetensorsFile({Ramp("a", {2, 2})});
  ASSERT_TRUE(Parse(good).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(Parse(good.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(Parse(good + "x").ok());
  for (const uint64_t length :
       {uint64_t{1} << 32, std::numeric_limits<uint64_t>::max()}) {
    std::string bad = good;
    std::memcpy(bad.data(), &length, sizeof length);
    EXPECT_FALSE(Parse(bad).ok()) << length;
  }
}

}  // namespace

}  // namespace braid::convert
