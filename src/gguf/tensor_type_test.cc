#include "gguf/tensor_type.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace braid::gguf {
namespace {

using Id = TensorTypeId;

// Bits per weight are published for each format; they follow from the sizes
// of its fields, and so check both columns of the table.
TEST(TensorType, BitsPerWeightAreTheFormats) {
  const struct {
    uint32_t id;
    const char* name;
    double bits;
  } kExpected[] = {
      {Id::kF32, "F32", 32},
      {Id::kF16, "F16", 16},
      {Id::kQ4_0, "Q4_0", 4.5},
      {Id::kQ4_1, "Q4_1", 5},
      {Id::kQ5_0, "Q5_0", 5.5},
      {Id::kQ5_1, "Q5_1", 6},
      {Id::kQ8_0, "Q8_0", 8.5},
      {Id::kQ8_1, "Q8_1", 9},
      {Id::kQ2_K, "Q2_K", 2.625},
      {Id::kQ3_K, "Q3_K", 3.4375},
      {Id::kQ4_K, "Q4_K", 4.5},
      {Id::kQ5_K, "Q5_K", 5.5},
      {Id::kQ6_K, "Q6_K", 6.5625},
      {Id::kQ8_K, "Q8_K", 9.125},
      {Id::kI8, "I8", 8},
      {Id::kI16, "I16", 16},
      {Id::kI32, "I32", 32},
      {Id::kI64, "I64", 64},
      {Id::kF64, "F64", 64},
      {Id::kBF16, "BF16", 16},
      {Id::kIQ4_NL, "IQ4_NL", 4.5},
      {Id::kIQ4_XS, "IQ4_XS", 4.25},
      {Id::kTQ1_0, "TQ1_0", 1.6875},
      {Id::kTQ2_0, "TQ2_0", 2.0625},
      {Id::kMXFP4, "MXFP4", 4.25},
      {Id::kNVFP4, "NVFP4", 4.5},
      {Id::kQ1_0, "Q1_0", 1.125},
      {Id::kQ2_0, "Q2_0", 2.25},
      {Id::kIQ2_XXS, "IQ2_XXS", 2.0625},
      {Id::kIQ2_XS, "IQ2_XS", 2.3125},
      {Id::kIQ2_S, "IQ2_S", 2.5625},
      {Id::kIQ3_XXS, "IQ3_XXS", 3.0625},
      {Id::kIQ3_S, "IQ3_S", 3.4375},
      {Id::kIQ1_S, "IQ1_S", 1.5625},
      {Id::kIQ1_M, "IQ1_M", 1.75},
  };
  for (const auto& expected : kExpected) {
    const TensorType* const type = FindTensorType(expected.id);
    ASSERT_NE(type, nullptr) << expected.name;
    EXPECT_EQ(type->name, expected.name);
    EXPECT_EQ(8.0 * type->block_bytes / type->block_elements, expected.bits)
        << expected.name;
  }
  EXPECT_EQ(std::size(kExpected), size_t{Id::kCount} - 8) << "8 were removed";
}

TEST(TensorType, RemovedAndUnknownTypesAreNamed) {
  for (const uint32_t id : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u}) {
    EXPECT_EQ(FindTensorType(id), nullptr) << id;
    EXPECT_NE(TensorTypeText(id).find("(removed from the format)"),
              std::string::npos);
  }
  EXPECT_EQ(TensorTypeText(4), "Q4_2 (removed from the format)");
  EXPECT_EQ(TensorTypeText(Id::kQ4_K), "Q4_K");
  EXPECT_EQ(FindTensorType(43), nullptr);
  EXPECT_EQ(TensorTypeText(43), "unknown type 43");
  EXPECT_EQ(TensorTypeText(0xFFFFFFFF), "unknown type 4294967295");
}

TEST(TensorType, BytesOfTensors) {
  const auto bytes = [](uint32_t type, std::vector<uint64_t> shape) {
    return TensorBytes(type, shape).value();
  };
  EXPECT_EQ(bytes(Id::kF32, {5, 3}), 60u);
  EXPECT_EQ(bytes(Id::kQ8_0, {64, 3}), 204u);
  EXPECT_EQ(bytes(Id::kQ6_K, {512, 2, 2, 2}), 210u * 16);
  EXPECT_EQ(bytes(Id::kI8, {1}), 1u);
}

TEST(TensorType, BadShapesAreRefused) {
  constexpr uint64_t kBig = uint64_t{1} << 32;
  const auto error = [](uint32_t type, std::vector<uint64_t> shape) {
    const auto bytes = TensorBytes(type, shape);
    return bytes.ok() ? "" : bytes.error().message;
  };
  EXPECT_EQ(error(Id::kF32, {4, 0}), "dimension 1 of shape {4, 0} is 0");
  EXPECT_EQ(error(Id::kQ4_0, {48, 2}),
            "dimension 0 is 48, not a multiple of 32, the block of Q4_0");
  EXPECT_EQ(error(Id::kI8, {kBig, kBig}),
            "shape {4294967296, 4294967296} has more than 9223372036854775807 "
            "elements");
  EXPECT_EQ(error(Id::kF32, {kBig, kBig / 4}),
            "shape {4294967296, 1073741824} of F32 takes more than "
            "9223372036854775807 bytes");
  EXPECT_EQ(error(Id::kI8, {kBig, kBig / 4}), "");
  EXPECT_EQ(error(77, {1}), "type id 77: unknown type 77");
  EXPECT_EQ(error(5, {32}), "type id 5: Q4_3 (removed from the format)");
}

TEST(TensorType, ShapesAreWrittenInFileOrder) {
  EXPECT_EQ(ShapeText(std::vector<uint64_t>{4096, 32}), "{4096, 32}");
  EXPECT_EQ(ShapeText({}), "{}");
}

}  // namespace
}  // namespace braid::gguf
