#include "tensor/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "tensor/formats.h"

namespace braid {
namespace {

// Blocks and floats that belong together (tools/make_format_vectors.py).
struct KnownAnswers {
  std::vector<std::byte> blocks;
  std::vector<float> values;
};

KnownAnswers ReadAnswers(DType type, const std::string& kind) {
  const std::string path = std::string(BRAID_SOURCE_DIR) +
                           "/tests/data/formats/" + std::string(Name(type)) +
                           "." + kind;
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)),
                          std::istreambuf_iterator<char>());
  const size_t elements = static_cast<size_t>(BlockElements(type));
  const size_t count =
      bytes.size() / (BlockBytes(type) + elements * sizeof(float));
  KnownAnswers answers;
  answers.blocks.resize(count * BlockBytes(type));
  answers.values.resize(count * elements);
  EXPECT_GT(count, 0u) << path;
  if (count == 0) return answers;
  std::memcpy(answers.blocks.data(), bytes.data(), answers.blocks.size());
  std::memcpy(answers.values.data(), bytes.data() + answers.blocks.size(),
              answers.values.size() * sizeof(float));
  return answers;
}

bool Same(float a, float b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0 ||
         (std::isnan(a) && std::isnan(b));
}

std::string ParameterName(const testing::TestParamInfo<DType>& type) {
  return std::string(Name(type.param));
}

class DecodeTest : public testing::TestWithParam<DType> {};

TEST_P(DecodeTest, EqualsTheGgufPackage) {
  const KnownAnswers answers = ReadAnswers(GetParam(), "decode");
  std::vector<float> decoded(answers.values.size());
  DecodeRow(GetParam(), answers.blocks.data(),
            static_cast<int64_t>(decoded.size()), decoded.data());
  for (size_t i = 0; i < decoded.size(); ++i) {
    ASSERT_TRUE(Same(decoded[i], answers.values[i]))
        << "element " << i << ": " << decoded[i] << " instead of "
        << answers.values[i];
  }
}

// All but F32, the first.
INSTANTIATE_TEST_SUITE_P(Formats, DecodeTest,
                         testing::ValuesIn(std::begin(kAllDTypes) + 1,
                                           std::end(kAllDTypes)),
                         ParameterName);

class EncodeTest : public testing::TestWithParam<DType> {};

TEST_P(EncodeTest, EqualsTheGgufPackage) {
  const KnownAnswers answers = ReadAnswers(GetParam(), "encode");
  std::vector<std::byte> encoded(answers.blocks.size());
  EncodeRow(GetParam(), answers.values.data(),
            static_cast<int64_t>(answers.values.size()), encoded.data());
  for (size_t i = 0; i < encoded.size(); ++i) {
    ASSERT_EQ(encoded[i], answers.blocks[i])
        << "byte " << i % BlockBytes(GetParam()) << " of block "
        << i / BlockBytes(GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, EncodeTest,
                         testing::Values(DType::kF16, DType::kBF16,
                                         DType::kQ8_0, DType::kQ4_0,
                                         DType::kQ4_1, DType::kQ5_0,
                                         DType::kQ5_1, DType::kTQ1_0,
                                         DType::kTQ2_0, DType::kMXFP4),
                         ParameterName);

class CodecTest : public testing::TestWithParam<DType> {
 protected:
  std::vector<float> RoundTrip(const std::vector<float>& values) {
    const int64_t count = static_cast<int64_t>(values.size());
    std::vector<std::byte> stored(RowBytes(GetParam(), count));
    EncodeRow(GetParam(), values.data(), count, stored.data());
    std::vector<float> decoded(values.size());
    DecodeRow(GetParam(), stored.data(), count, decoded.data());
    return decoded;
  }
};

// Root mean square error of a round trip, relative to that of the values. They
// are about normal: a block of ternary codes keeps little of them.
double AllowedError(DType type) {
  switch (type) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 0x1p-12;
    case DType::kBF16:
      return 0x1p-9;
    case DType::kQ8_0:
      return 0.008;
    case DType::kQ6_K:
      return 0.022;
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ5_K:
      return 0.045;
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ4_K:
    case DType::kIQ4_NL:
    case DType::kIQ4_XS:
      return 0.09;
    case DType::kMXFP4:
      return 0.12;
    case DType::kQ3_K:
      return 0.16;
    case DType::kQ2_K:
      return 0.28;
    case DType::kTQ1_0:
    case DType::kTQ2_0:
      return 0.77;
  }
  return 0;
}

TEST_P(CodecTest, RoundTripsWithinTheFormatsPrecision) {
  Random random(3);
  std::vector<float> values(256 * 20);
  double squares = 0;
  for (float& value : values) {  // about normal: the sum of four uniforms
    value = 0;
    for (int i = 0; i < 4; ++i) value += random.Uniform(-1.0f, 1.0f);
    squares += value * value;
  }
  const std::vector<float> decoded = RoundTrip(values);
  double error = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    error += (decoded[i] - values[i]) * (decoded[i] - values[i]);
  }
  EXPECT_LE(std::sqrt(error / squares), AllowedError(GetParam()));
}

TEST_P(CodecTest, ZerosStayZeros) {
  for (const float value : RoundTrip(std::vector<float>(256, 0.0f))) {
    EXPECT_EQ(value, 0.0f);
  }
}

TEST_P(CodecTest, TakesAnyFloats) {
  Random random(4);
  std::vector<float> values(256 * 8);
  const float special[] = {std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN(), 1e-42f,
                           3.4e38f};
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] =
        i % 3 == 0 ? special[random.Below(5)] : random.Uniform(-1e30f, 1e30f);
  }
  // The sanitizer builds see to it that no conversion is undefined.
  EXPECT_EQ(RoundTrip(values).size(), values.size());
}

INSTANTIATE_TEST_SUITE_P(Formats, CodecTest, testing::ValuesIn(kAllDTypes),
                         ParameterName);

TEST(DTypeTest, KnowsSizes) {
  EXPECT_EQ(RowBytes(DType::kF32, 3), 12u);
  EXPECT_EQ(RowBytes(DType::kQ4_0, 64), 36u);
  EXPECT_EQ(RowBytes(DType::kQ6_K, 512), 420u);
  EXPECT_EQ(BlockElements(DType::kQ4_K), 256);
}

TEST(DTypeTest, RefusesForeignIds) {
  ASSERT_TRUE(DTypeFromId(12).ok());
  EXPECT_EQ(*DTypeFromId(12), DType::kQ4_K);
  const auto refused = DTypeFromId(16);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("tensor type 16"), std::string::npos);
  EXPECT_NE(refused.error().message.find("Q4_K (12)"), std::string::npos);
}

}  // namespace
}  // namespace braid
