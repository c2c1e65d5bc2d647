// Every way in which a header can be broken, and what is said about it.
#include "gguf/part.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "gguf/describe.h"
#include "gguf/file.h"
#include "gguf/raw_file_for_test.h"

namespace braid::gguf {
namespace {

constexpr uint32_t kF32 = 0, kQ4_0 = 2;

// Two keys; tensor a of 32 floats at 0, b of 64 4-bit weights at 128.
RawFile Good() {
  RawFile file;
  file.keys = {RawKey("general.architecture", 8, RawString("mamba")),
               RawKey("list", 9, RawArray(4, 2, Raw(7u) + Raw(8u)))};
  file.tensors = {RawTensor("a", {16, 2}, kF32, 0),
                  RawTensor("b", {64}, kQ4_0, 128)};
  file.data = std::string(128 + 36, '\0');
  return file;
}

std::string ErrorOf(const std::string& bytes) {
  const auto file = File::Parse(AsBytes(bytes));
  return file.ok() ? "" : file.error().message;
}

TEST(Part, GoodFileIsRead) {
  const std::string bytes = Good().Bytes();
  const auto part = ReadPart(AsBytes(bytes), bytes.size());
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(part->version, 3u);
  EXPECT_EQ(part->alignment, 32u);
  ASSERT_EQ(part->metadata.size(), 2u);
  EXPECT_EQ(part->metadata[0].key, "general.architecture");
  EXPECT_EQ(ValueText(part->metadata[1].value), "[7, 8]");
  ASSERT_EQ(part->tensors.size(), 2u);
  EXPECT_EQ(part->tensors[1].name, "b");
  EXPECT_EQ(part->tensors[1].type, kQ4_0);
  EXPECT_EQ(part->tensors[1].shape, std::vector<uint64_t>{64});
  EXPECT_EQ(part->tensors[1].offset, 128u);
  EXPECT_EQ(part->tensors[1].size, 36u);
  EXPECT_EQ(part->data_begin, bytes.size() - 164);
}

struct Breakage {
  const char* name;
  std::function<void(RawFile&)> damage;
  const char* message;
};

void PrintTo(const Breakage& breakage, std::ostream* out) {
  *out << breakage.name;
}

class BrokenPart : public testing::TestWithParam<Breakage> {};

TEST_P(BrokenPart, IsRefusedWithTheReason) {
  RawFile file = Good();
  GetParam().damage(file);
  EXPECT_EQ(ErrorOf(file.Bytes()), GetParam().message);
}

// Nested arrays of one element each, `depth` deep.
std::string NestedArrays(int depth) {
  std::string value = RawArray(0, 1, "\x05");
  for (int i = 1; i < depth; ++i) value = RawArray(9, 1, value);
  return value;
}

void SetKey(RawFile& file, std::string key) { file.keys[1] = std::move(key); }
void SetTensor(RawFile& file, std::string tensor) {
  file.tensors[1] = std::move(tensor);
}

const Breakage kHeaderBreakages[] = {
    {"Magic", [](RawFile& f) { f.magic = "GGML"; },
     "not a GGUF file: starts with \"GGML\", expected \"GGUF\""},
    {"Version1", [](RawFile& f) { f.version = 1; },
     "GGUF version 1 (32-bit counts) is not supported, only versions "
     "2 and 3; convert the model again"},
    {"Version4", [](RawFile& f) { f.version = 4; },
     "GGUF version 4 is not supported, only versions 2 and 3"},
    {"BigEndian", [](RawFile& f) { f.version = 0x03000000; },
     "the file is big-endian (GGUF version 3 with its bytes swapped); "
     "only little-endian is supported"},
    {"KeyCount", [](RawFile& f) { f.key_count = ~0ULL; },
     "header: 18446744073709551615 metadata keys, but only 332 bytes follow"},
    {"TensorCount", [](RawFile& f) { f.tensor_count = 1ULL << 60; },
     "header: 1152921504606846976 tensors, but only 251 bytes follow the "
     "metadata"},
};

const Breakage kKeyBreakages[] = {
    {"KeyTwice", [](RawFile& f) { f.keys[1] = f.keys[0]; },
     "key general.architecture occurs twice, as number 1 and 2 of 2"},
    {"KeyEmpty", [](RawFile& f) { SetKey(f, RawKey("", 0, "\x01")); },
     "name of key 2 of 2: is empty"},
    {"KeyUnprintable", [](RawFile& f) { SetKey(f, RawKey("a\nb", 0, "\x01")); },
     "name of key 2 of 2: \"a\\nb\" is not printable ASCII"},
    {"KeyTooLong",
     [](RawFile& f) { SetKey(f, RawKey(std::string(65536, 'k'), 0, "\x01")); },
     "name of key 2 of 2: "
     "\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"... "
     "has 65536 bytes, more than 65535"},
    {"KeyNameBeyondEnd", [](RawFile& f) { SetKey(f, Raw(1ULL << 63) + "k"); },
     "name of key 2 of 2: string of 9223372036854775808 bytes at byte 77, but "
     "only 247 left"},
    {"ValueType", [](RawFile& f) { SetKey(f, RawKey("k", 13, "")); },
     "key k: unknown value type 13"},
    {"ElementType",
     [](RawFile& f) { SetKey(f, RawKey("k", 9, RawArray(13, 0, ""))); },
     "key k: unknown value type 13"},
    {"Bool", [](RawFile& f) { SetKey(f, RawKey("k", 7, "\x02")); },
     "key k: bool is 2, expected 0 or 1"},
    {"BoolInArray",
     [](RawFile& f) { SetKey(f, RawKey("k", 9, RawArray(7, 2, "\x01\xFF"))); },
     "key k: bool at index 1 is 255, expected 0 or 1"},
    {"StringBeyondEnd",
     [](RawFile& f) { SetKey(f, RawKey("k", 8, Raw(1000ULL))); },
     "key k: string of 1000 bytes at byte 90, but only 266 left"},
    {"NumbersBeyondEnd",
     [](RawFile& f) { SetKey(f, RawKey("k", 9, RawArray(12, 1 << 20, ""))); },
     "key k: array of 1048576 f64 values at byte 94, but only 262 bytes left"},
    {"CountOverflows",
     [](RawFile& f) { SetKey(f, RawKey("k", 9, RawArray(4, 1ULL << 62, ""))); },
     "key k: array of 4611686018427387904 u32 values at byte 94, but only 262 "
     "bytes left"},
    {"StringsBeyondEnd",
     [](RawFile& f) { SetKey(f, RawKey("k", 9, RawArray(8, 1 << 20, ""))); },
     "key k: array of 1048576 string values at byte 94, but only 262 bytes "
     "left"},
    {"ArraysBeyondEnd",
     [](RawFile& f) { SetKey(f, RawKey("k", 9, RawArray(9, 1 << 20, ""))); },
     "key k: array of 1048576 array values at byte 94, but only 262 bytes "
     "left"},
    {"TooDeep", [](RawFile& f) { SetKey(f, RawKey("k", 9, NestedArrays(5))); },
     "key k: arrays are nested deeper than 4"},
    {"AlignmentKind",
     [](RawFile& f) {
       SetKey(f, RawKey("general.alignment", 8, RawString("32")));
     },
     "key general.alignment: expected an integer, found string \"32\""},
    {"AlignmentZero",
     [](RawFile& f) { SetKey(f, RawKey("general.alignment", 4, Raw(0u))); },
     "key general.alignment: 0 is not a positive 32-bit multiple of 8"},
    {"AlignmentOdd",
     [](RawFile& f) { SetKey(f, RawKey("general.alignment", 4, Raw(20u))); },
     "key general.alignment: 20 is not a positive 32-bit multiple of 8"},
    {"AlignmentNegative",
     [](RawFile& f) { SetKey(f, RawKey("general.alignment", 5, Raw(-32))); },
     "key general.alignment: -32 is not a positive 32-bit multiple of 8"},
    {"SplitInMemory",
     [](RawFile& f) { SetKey(f, RawKey("split.count", 2, Raw<uint16_t>(3))); },
     "the file is part 1 of 3; a split set can only be opened by its path"},
};

const Breakage kTensorBreakages[] = {
    {"TensorTwice", [](RawFile& f) { f.tensors[1] = f.tensors[0]; },
     "tensor a occurs twice, as number 1 and 2 of 2"},
    {"NameEmpty", [](RawFile& f) { SetTensor(f, RawTensor("", {1}, 0, 128)); },
     "name of tensor 2 of 2: is empty"},
    {"NameUnprintable",
     [](RawFile& f) { SetTensor(f, RawTensor("\x1B[2J", {1}, 0, 128)); },
     "name of tensor 2 of 2: \"\\x1b[2J\" is not printable "
     "ASCII"},
    {"NameBeyondEnd", [](RawFile& f) { SetTensor(f, Raw(1ULL << 40)); },
     "name of tensor 2 of 2: string of 1099511627776 bytes at byte 154, but "
     "only 170 left"},
    {"NoDimensions", [](RawFile& f) { SetTensor(f, RawTensor("b", {}, 0, 0)); },
     "tensor b: 0 dimensions, expected 1 to 4"},
    {"FiveDimensions",
     [](RawFile& f) {
       SetTensor(f, RawTensor("b", {1, 1, 1, 1, 1}, 0, 128));
     },
     "tensor b: 5 dimensions, expected 1 to 4"},
    {"ZeroDimension",
     [](RawFile& f) {
       SetTensor(f, RawTensor("b", {32, 0}, 0, 128));
     },
     "tensor b: dimension 1 of shape {32, 0} is 0"},
    {"ProductOverflows",
     [](RawFile& f) {
       SetTensor(f, RawTensor("b", {1ULL << 32, 1ULL << 32}, 0, 128));
     },
     "tensor b: shape {4294967296, 4294967296} has more than "
     "9223372036854775807 elements"},
    {"HalfBlock",
     [](RawFile& f) { SetTensor(f, RawTensor("b", {48}, kQ4_0, 128)); },
     "tensor b: dimension 0 is 48, not a multiple of 32, the block of "
     "Q4_0"},
    {"UnknownType",
     [](RawFile& f) { SetTensor(f, RawTensor("b", {32}, 99, 128)); },
     "tensor b: type id 99: unknown type 99"},
    {"RemovedType",
     [](RawFile& f) { SetTensor(f, RawTensor("b", {32}, 31, 128)); },
     "tensor b: type id 31: Q4_0_4_4 (removed from the format)"},
    {"Unaligned",
     [](RawFile& f) { SetTensor(f, RawTensor("b", {32}, kQ4_0, 130)); },
     "tensor b: offset 130 is not a multiple of the alignment 32"},
    {"BeyondEnd",
     [](RawFile& f) { SetTensor(f, RawTensor("b", {96}, kQ4_0, 128)); },
     "tensor b: 54 bytes at offset 128 of the data section, which has only "
     "164"},
    {"OffsetBeyondEnd",
     [](RawFile& f) { SetTensor(f, RawTensor("b", {32}, kQ4_0, ~31ULL)); },
     "tensor b: 18 bytes at offset 18446744073709551584 of the data section, "
     "which has only 164"},
    {"Overlap", [](RawFile& f) { SetTensor(f, RawTensor("b", {64}, 2, 96)); },
     "tensors a and b overlap: 128 bytes at offset 0, then offset 96"},
    {"SamePlace",
     [](RawFile& f) {
       SetTensor(f, RawTensor("b", {16, 2}, kF32, 0));
     },
     "tensors a and b overlap: 128 bytes at offset 0, then offset 0"},
    {"NoData", [](RawFile& f) { f.data.clear(); },
     "tensor a: 128 bytes at offset 0 of the data section, which has only 0"},
};

constexpr auto kBreakageName = [](const auto& info) {
  return std::string(info.param.name);
};
INSTANTIATE_TEST_SUITE_P(Header, BrokenPart,
                         testing::ValuesIn(kHeaderBreakages), kBreakageName);
INSTANTIATE_TEST_SUITE_P(Key, BrokenPart, testing::ValuesIn(kKeyBreakages),
                         kBreakageName);
INSTANTIATE_TEST_SUITE_P(Tensor, BrokenPart,
                         testing::ValuesIn(kTensorBreakages), kBreakageName);

TEST(Part, WhatTheFieldDoesIsAccepted) {
  RawFile file = Good();
  file.version = 2;
  file.keys.push_back(RawKey("Falcon-H1.some Key", 0, "\x01"));
  file.keys.push_back(RawKey("general.alignment", 10, Raw(64ULL)));
  file.keys.push_back(RawKey("deep", 9, NestedArrays(4)));
  file.keys.push_back(RawKey("not.utf8", 8, RawString("\xFF\xFE")));
  file.keys.push_back(RawKey("split.count", 2, Raw<uint16_t>(0)));
  file.alignment = 64;
  const std::string long_name(255, 'n');
  file.tensors.push_back(RawTensor(long_name, {1}, kF32, 192));
  file.data += std::string(28 + 4, '\0') + "bytes after the last tensor";
  EXPECT_EQ(ErrorOf(file.Bytes()), "");

  file.tensors[2] = RawTensor(long_name + "n", {1}, kF32, 192);
  EXPECT_NE(ErrorOf(file.Bytes()).find("has 256 bytes, more than 255"),
            std::string::npos);
}

TEST(Part, FileWithoutTensorsMayEndBeforeItsDataSection) {
  RawFile file;
  file.keys = {RawKey("k", 0, "\x01")};
  file.alignment = 1;  // no padding
  EXPECT_EQ(ErrorOf(file.Bytes()), "");
  EXPECT_EQ(ErrorOf(RawFile().Bytes()), "");
}

// The copies have exactly their size on the heap, so that a sanitizer sees a
// read of one byte too many.
TEST(Part, EveryTruncationIsRefused) {
  const std::string good = Good().Bytes();
  ASSERT_EQ(ErrorOf(good), "");
  for (size_t size = 0; size < good.size(); ++size) {
    const std::vector<char> cut(good.begin(), good.begin() + size);
    const auto file = File::Parse(std::as_bytes(std::span(cut)));
    ASSERT_FALSE(file.ok()) << size;
    EXPECT_FALSE(file.error().message.empty());
  }
}

TEST(Part, EveryChangedByteIsSurvived) {
  constexpr int kChanges[] = {1, 2, 4, 8, 16, 32, 64, 128, 0xFF};
  RawFile raw = Good();
  raw.keys.push_back(RawKey("deep", 9, NestedArrays(4)));
  raw.keys.push_back(RawKey("general.alignment", 4, Raw(32u)));
  const std::string good = raw.Bytes();
  size_t accepted = 0;
  for (size_t place = 0; place < good.size(); ++place) {
    for (const int change : kChanges) {
      std::vector<char> bytes(good.begin(), good.end());
      bytes[place] = static_cast<char>(bytes[place] ^ change);
      const auto file = File::Parse(std::as_bytes(std::span(bytes)));
      if (!file.ok()) continue;
      ++accepted;
      EXPECT_FALSE(Show(*file).empty());
      (void)CheckTensors(*file);
    }
  }
  // Tensor data may be anything, and so may some names and values.
  EXPECT_GT(accepted, raw.data.size() * std::size(kChanges));
  EXPECT_LT(accepted, good.size() * std::size(kChanges));
}

}  // namespace
}  // namespace braid::gguf
