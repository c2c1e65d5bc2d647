#include "gguf/describe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "base/format.h"
#include "gguf/finite.h"
#include "gguf/pieces.h"
#include "gguf/raw_file_for_test.h"
#include "gguf/tensor_type.h"

namespace braid::gguf {
namespace {

namespace fs = std::filesystem;

using Id = TensorTypeId;

TEST(Show, MetadataTensorsAndTotals) {
  RawFile raw;
  raw.keys = {RawKey("general.name", 8, RawString("a \"b\"\n")),
              RawKey("n", 1, Raw<int8_t>(-3)),
              RawKey("list", 9, RawArray(6, 8, std::string(32, '\0')))};
  raw.tensors = {RawTensor("token_embd.weight", {32, 2}, Id::kQ8_0, 0),
                 RawTensor("norm", {3}, Id::kF32, 96),
                 RawTensor("out", {1024, 1}, Id::kF32, 128)};
  raw.data = std::string(128 + 4096, '\0');
  const std::string bytes = raw.Bytes();
  const auto file = File::Parse(AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(Show(*file),
            R"(GGUF version 3, alignment 32, 3 keys, 3 tensors

general.name  string  "a \"b\"\n"
n             i8      -3
list          f32[8]  [0, 0, 0, 0, 0, 0, ...]

tensor             type  shape      bytes  offset
token_embd.weight  Q8_0  {32, 2}       68       0
norm               F32   {3}           12      96
out                F32   {1024, 1}   4096     128

type   tensors  parameters  bytes
F32          2        1027   4108  4.0 KiB
Q8_0         1          64     68  68 B
total        3        1091   4176  4.1 KiB
)");
}

TEST(Show, EmptyFile) {
  const std::string bytes = RawFile().Bytes();
  const auto file = File::Parse(AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(Show(*file), "GGUF version 3, alignment 32, 0 keys, 0 tensors\n");
}

TEST(ValueText, StringsAreQuotedEscapedAndCut) {
  EXPECT_EQ(Quoted("Grüße \xF0\x9F\x98\x80", 60), "\"Grüße \xF0\x9F\x98\x80\"");
  EXPECT_EQ(Quoted("\x1B[2J\t\x7F", 60), "\"\\x1b[2J\\t\\x7f\"");
  // U+009B, one character, starts a terminal command too.
  EXPECT_EQ(Quoted("\xC2\x9B", 60), "\"\\xc2\\x9b\"");
  EXPECT_EQ(Quoted("\\", 60), "\"\\\\\"");
  EXPECT_EQ(Quoted("abc", 3), "\"abc\"");
  EXPECT_EQ(Quoted("abcd", 3), "\"abc\"...");
  EXPECT_EQ(Quoted("aü", 2), "\"a\"...") << "characters are not cut";
}

TEST(ValueText, BytesThatAreNotUtf8AreEscaped) {
  // A lone continuation, an overlong slash, a surrogate, beyond U+10FFFF, a
  // character cut short by the end and by an ASCII character.
  EXPECT_EQ(Quoted("\x80", 60), "\"\\x80\"");
  EXPECT_EQ(Quoted("\xC0\xAF", 60), "\"\\xc0\\xaf\"");
  EXPECT_EQ(Quoted("\xE0\x80\xAF", 60), "\"\\xe0\\x80\\xaf\"");
  EXPECT_EQ(Quoted("\xED\xA0\x80", 60), "\"\\xed\\xa0\\x80\"");
  EXPECT_EQ(Quoted("\xF4\x90\x80\x80", 60), "\"\\xf4\\x90\\x80\\x80\"");
  EXPECT_EQ(Quoted("\xF0\x80\x80\x80", 60), "\"\\xf0\\x80\\x80\\x80\"");
  EXPECT_EQ(Quoted("\xE2\x82", 60), "\"\\xe2\\x82\"");
  EXPECT_EQ(Quoted("\xE2\x82z", 60), "\"\\xe2\\x82z\"");
}

TEST(ValueText, TypesAndArrays) {
  const Array strings{ValueType::kString,
                      std::vector<std::string_view>{"a", "bcdef"}};
  const Array bools{ValueType::kBool, std::vector<uint8_t>{1, 0}};
  const Array nested{ValueType::kArray, std::vector<Array>{strings, bools}};
  EXPECT_EQ(TypeText(nested), "array[2]");
  EXPECT_EQ(ValueText(nested), "[[\"a\", \"bcdef\"], [true, false]]");
  EXPECT_EQ(ValueText(strings, {.string_bytes = 2, .elements = 1}),
            "[\"a\", ...]");
  EXPECT_EQ(TypeText(0.1f), "f32");
  EXPECT_EQ(ValueText(0.1f), "0.1");
  EXPECT_EQ(ValueText(0.1), "0.1");
  EXPECT_EQ(ValueText(uint8_t{65}), "65");
  EXPECT_EQ(Name(static_cast<ValueType>(13)), "unknown");
}

// Where each type stores the numbers that can be NaN (bytes from the start of
// a block), what NaN and infinity look like there, and the largest that is
// neither.
struct ScaleCase {
  uint32_t type;
  std::vector<size_t> places;
  std::vector<std::string> bad;
  std::string good;
};

std::vector<ScaleCase> ScaleCases() {
  const std::string nan16("\x01\x7E", 2), inf16("\x00\xFC", 2),
      max16("\xFF\x7B", 2);
  std::vector<ScaleCase> cases = {
      {Id::kF32,
       {0},
       {Raw(std::numeric_limits<float>::quiet_NaN()),
        Raw(-std::numeric_limits<float>::infinity())},
       Raw(std::numeric_limits<float>::max())},
      {Id::kQ8_K,
       {0},
       {Raw(std::numeric_limits<float>::quiet_NaN())},
       Raw(std::numeric_limits<float>::lowest())},
      {Id::kF64,
       {0},
       {Raw(std::numeric_limits<double>::quiet_NaN()),
        Raw(std::numeric_limits<double>::infinity())},
       Raw(std::numeric_limits<double>::max())},
      {Id::kBF16,
       {0},
       {std::string("\xC0\x7F", 2), std::string("\x80\xFF", 2)},
       std::string("\x7F\x7F", 2)},
      {Id::kMXFP4, {0}, {"\xFF"}, "\xFE"},
      {Id::kNVFP4, {0, 1, 2, 3}, {"\x7F"}, "\x7E"},
  };
  const struct {
    uint32_t type;
    std::vector<size_t> places;
  } kHalves[] = {
      {Id::kF16, {0}},     {Id::kQ4_0, {0}},      {Id::kQ4_1, {0, 2}},
      {Id::kQ5_0, {0}},    {Id::kQ5_1, {0, 2}},   {Id::kQ8_0, {0}},
      {Id::kQ8_1, {0, 2}}, {Id::kQ2_K, {80, 82}}, {Id::kQ3_K, {108}},
      {Id::kQ4_K, {0, 2}}, {Id::kQ5_K, {0, 2}},   {Id::kQ6_K, {208}},
      {Id::kIQ4_NL, {0}},  {Id::kIQ4_XS, {0}},    {Id::kTQ1_0, {52}},
      {Id::kTQ2_0, {64}},  {Id::kQ1_0, {0}},      {Id::kQ2_0, {0}},
  };
  for (const auto& half : kHalves) {
    cases.push_back({half.type, half.places, {nan16, inf16}, max16});
  }
  return cases;
}

TEST(Finite, FindsEveryNumberThatIsNot) {
  constexpr size_t kBlocks = 5, kBadBlock = 3;
  for (const ScaleCase& scale : ScaleCases()) {
    const TensorType& type = *FindTensorType(scale.type);
    SCOPED_TRACE(type.name);
    ASSERT_TRUE(CanCheckFinite(scale.type));
    for (const size_t place : scale.places) {
      std::string data(kBlocks * type.block_bytes, '\0');
      data.replace(type.block_bytes + place, scale.good.size(), scale.good);
      EXPECT_EQ(FindNonFinite(scale.type, AsBytes(data)).count, 0u);
      for (const std::string& bad : scale.bad) {
        std::string damaged = data;
        damaged.replace(kBadBlock * type.block_bytes + place, bad.size(), bad);
        damaged.replace(4 * type.block_bytes + place, bad.size(), bad);
        const NonFinite found = FindNonFinite(scale.type, AsBytes(damaged));
        EXPECT_EQ(found.count, 2u);
        EXPECT_EQ(found.first_element, kBadBlock * type.block_elements);
      }
    }
  }
}

// Bytes that are no scale may have any bits.
TEST(Finite, QuantisedWeightsAreNotNumbers) {
  for (const ScaleCase& scale : ScaleCases()) {
    const TensorType& type = *FindTensorType(scale.type);
    std::string block(type.block_bytes, '\xFF');
    for (const size_t place : scale.places) {
      block.replace(place, scale.good.size(), scale.good);
    }
    EXPECT_EQ(FindNonFinite(scale.type, AsBytes(block)).count, 0u) << type.name;
  }
  for (const uint32_t integers : {Id::kI8, Id::kI16, Id::kI32, Id::kI64}) {
    EXPECT_TRUE(CanCheckFinite(integers));
    const std::string bytes(16, '\xFF');
    EXPECT_EQ(FindNonFinite(integers, AsBytes(bytes)).count, 0u);
  }
}

TEST(Finite, CodebookTypesAreNotChecked) {
  for (const uint32_t type : {Id::kIQ2_XXS, Id::kIQ2_XS, Id::kIQ3_XXS,
                              Id::kIQ1_S, Id::kIQ3_S, Id::kIQ2_S, Id::kIQ1_M}) {
    EXPECT_FALSE(CanCheckFinite(type));
  }
  EXPECT_FALSE(CanCheckFinite(4));
  EXPECT_FALSE(CanCheckFinite(1000));
}

class CheckTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::path(testing::TempDir()) /
            Format("gguf_check_test.{}.gguf", getpid());
  }
  void TearDown() override { fs::remove(path_); }

  std::string CheckFile(const RawFile& file) const {
    std::ofstream(path_, std::ios::binary) << file.Bytes();
    const auto checked = Check(path_);
    return checked.ok() ? *checked : "error: " + checked.error().message;
  }

  std::string path_;
};

TEST_F(CheckTest, SaysWhatItFound) {
  const std::string nan = Raw(std::numeric_limits<float>::quiet_NaN());
  RawFile file;
  file.keys = {RawKey("k", 7, "\x01")};
  file.tensors = {RawTensor("a", {4, 2}, Id::kF32, 0),
                  RawTensor("q", {64}, Id::kQ8_0, 32),
                  RawTensor("i", {256}, Id::kIQ2_XXS, 128)};
  file.data = std::string(128 + 66, '\0');
  EXPECT_EQ(CheckFile(file),
            path_ +
                ": 1 keys, 3 tensors: ok (1 of codebook types not "
                "searched for NaN)");

  RawFile bad = file;
  bad.data.replace(20, 4, nan).replace(28, 4, nan);
  EXPECT_EQ(CheckFile(bad), "error: " + path_ +
                                ": tensor a (F32 {4, 2}): 2 of its numbers "
                                "are NaN or infinite, the first is element 5");
  bad.data.replace(32 + 34, 2, "\xFF\x7F");
  EXPECT_EQ(CheckFile(bad),
            "error: " + path_ +
                ": tensor a (F32 {4, 2}): 2 of its numbers are NaN or "
                "infinite, the first is element 5; 1 more tensors have such "
                "numbers");
  file.data.replace(32 + 34, 2, "\xFF\x7F");
  EXPECT_EQ(CheckFile(file),
            "error: " + path_ +
                ": tensor q (Q8_0 {64}): 1 of its block scales are NaN or "
                "infinite, the first in the block at element 32");
}

// The tensor passes in several pieces, none of which ends within a block.
TEST_F(CheckTest, PlacesInTensorsLargerThanAPiece) {
  const TensorType& type = *FindTensorType(Id::kQ6_K);
  const uint64_t blocks = 2 * kPieceBytes / type.block_bytes;
  RawFile file;
  file.tensors = {
      RawTensor("big", {blocks * type.block_elements}, Id::kQ6_K, 0)};
  file.data = std::string(blocks * type.block_bytes, '\0');
  for (const uint64_t bad : {blocks - 1, blocks / 2 + 1}) {
    file.data.replace((bad + 1) * type.block_bytes - 2, 2, "\xFF\x7F");
  }
  EXPECT_EQ(CheckFile(file),
            Format("error: {}: tensor big (Q6_K {}): 2 of its block scales are "
                   "NaN or infinite, the first in the block at element {}",
                   path_, "{" + std::to_string(blocks * 256) + "}",
                   (blocks / 2 + 1) * 256));
}

TEST_F(CheckTest, BrokenFileIsRefused) {
  RawFile file;
  file.version = 9;
  EXPECT_EQ(CheckFile(file),
            "error: " + path_ +
                ": GGUF version 9 is not supported, only versions 2 "
                "and 3");
}

TEST_F(CheckTest, RealModelIsFinite) {
  const fs::path path =
      fs::path(BRAID_DATA_DIR) / "weights" / "stories260K-f32.gguf";
  if (!fs::exists(path)) GTEST_SKIP() << "no " << path;
  const auto checked = Check(path);
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_EQ(*checked, path.string() + ": 23 keys, 48 tensors: ok");
}

}  // namespace
}  // namespace braid::gguf
