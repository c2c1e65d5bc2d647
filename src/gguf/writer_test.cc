#include "gguf/writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/random.h"
#include "base/try.h"
#include "gguf/raw_file_for_test.h"
#include "gguf/tensor_type.h"

namespace braid::gguf {
namespace {

namespace fs = std::filesystem;

using Id = TensorTypeId;

template <class T>
Array ArrayOf(ValueType type, std::vector<T> elements) {
  return Array{type, std::move(elements)};
}

bool Same(const Array& a, const Array& b) {
  if (a.type != b.type || a.elements.index() != b.elements.index()) {
    return false;
  }
  return std::visit(
      [&](const auto& elements) {
        using List = std::decay_t<decltype(elements)>;
        const auto& others = std::get<List>(b.elements);
        if constexpr (std::is_same_v<List, std::vector<Array>>) {
          return std::equal(elements.begin(), elements.end(), others.begin(),
                            others.end(), Same);
        } else {
          return elements == others;
        }
      },
      a.elements);
}

bool Same(const Value& a, const Value& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, Array>) {
          return Same(held, std::get<T>(b));
        } else {
          return held == std::get<T>(b);
        }
      },
      a);
}

// Extreme values of every type, alone and in arrays, which also nest.
std::vector<KeyValue> EveryValue() {
  const auto inner =
      ArrayOf<std::string_view>(ValueType::kString, {"", "x\0y", "\xFF"});
  return {
      {"u8", std::numeric_limits<uint8_t>::max()},
      {"i8", std::numeric_limits<int8_t>::min()},
      {"u16", std::numeric_limits<uint16_t>::max()},
      {"i16", std::numeric_limits<int16_t>::min()},
      {"u32", std::numeric_limits<uint32_t>::max()},
      {"i32", std::numeric_limits<int32_t>::min()},
      {"f32", std::numeric_limits<float>::infinity()},
      {"false", false},
      {"true", true},
      {"string", std::string_view("Grüße")},
      {"empty", std::string_view()},
      {"u64", std::numeric_limits<uint64_t>::max()},
      {"i64", std::numeric_limits<int64_t>::min()},
      {"f64", std::numeric_limits<double>::denorm_min()},
      {"u8s", ArrayOf<uint8_t>(ValueType::kU8, {0, 255})},
      {"i8s", ArrayOf<int8_t>(ValueType::kI8, {-128, 127})},
      {"u16s", ArrayOf<uint16_t>(ValueType::kU16, {0, 65535})},
      {"i16s", ArrayOf<int16_t>(ValueType::kI16, {-32768})},
      {"u32s", ArrayOf<uint32_t>(ValueType::kU32, {1, 2, 3})},
      {"i32s", ArrayOf<int32_t>(ValueType::kI32, {})},
      {"f32s", ArrayOf<float>(ValueType::kF32, {0.1f, -0.0f})},
      {"bools", ArrayOf<uint8_t>(ValueType::kBool, {1, 0, 1})},
      {"strings", inner},
      {"u64s", ArrayOf<uint64_t>(ValueType::kU64, {~0ULL})},
      {"i64s", ArrayOf<int64_t>(ValueType::kI64, {-1})},
      {"f64s", ArrayOf<double>(ValueType::kF64, {1e300})},
      {"nested", ArrayOf<Array>(ValueType::kArray,
                                {ArrayOf<Array>(ValueType::kArray, {inner}),
                                 ArrayOf<uint8_t>(ValueType::kBool, {1})})},
  };
}

// One tensor of every type there is, two rows of three blocks each.
std::vector<TensorInfo> EveryTensorType() {
  std::vector<TensorInfo> tensors;
  for (uint32_t id = 0; id < Id::kCount; ++id) {
    if (const TensorType* type = FindTensorType(id)) {
      tensors.push_back({.name = Format("weight.{}", type->name),
                         .type = id,
                         .shape = {uint64_t{3} * type->block_elements, 2}});
    }
  }
  return tensors;
}

std::vector<std::byte> RandomBytes(uint64_t seed, uint64_t size) {
  Random random(seed);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Bits());
  return bytes;
}

class WriterTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("gguf_writer_test." + std::to_string(getpid()));
    fs::create_directory(folder_);
    path_ = folder_ / "model.gguf";
  }
  void TearDown() override { fs::remove_all(folder_); }

  bool FolderIsEmpty() const { return fs::is_empty(folder_); }

  fs::path folder_;
  std::string path_;
};

// Tensor i gets RandomBytes(i, its size), in pieces of `piece` bytes.
Status Write(const std::string& path, const Contents& contents, size_t piece) {
  BRAID_ASSIGN(Writer writer, Writer::Create(path, contents));
  for (size_t i = 0; i < writer.tensors().size(); ++i) {
    const auto data = RandomBytes(i, writer.tensors()[i].size);
    for (size_t done = 0; done < data.size(); done += piece) {
      BRAID_TRY(writer.Append(
          std::span(data).subspan(done, std::min(piece, data.size() - done))));
    }
  }
  return writer.Finish();
}

TEST_F(WriterTest, WhatIsWrittenIsRead) {
  for (const uint32_t alignment : {8u, 24u, 32u, 64u, 4096u}) {
    Contents contents{EveryValue(), EveryTensorType()};
    contents.metadata.push_back({"general.alignment", alignment});
    const Status written = Write(path_, contents, alignment * 7);
    ASSERT_TRUE(written.ok()) << written.error().message;

    const auto file = File::Open(path_);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->version(), 3u);
    EXPECT_EQ(file->alignment(), alignment);
    ASSERT_EQ(file->metadata().size(), contents.metadata.size());
    for (size_t i = 0; i < contents.metadata.size(); ++i) {
      EXPECT_EQ(file->metadata()[i].key, contents.metadata[i].key);
      EXPECT_TRUE(Same(file->metadata()[i].value, contents.metadata[i].value))
          << contents.metadata[i].key;
    }
    ASSERT_EQ(file->tensors().size(), contents.tensors.size());
    for (size_t i = 0; i < contents.tensors.size(); ++i) {
      const TensorInfo& tensor = file->tensors()[i];
      EXPECT_EQ(tensor.name, contents.tensors[i].name);
      EXPECT_EQ(tensor.type, contents.tensors[i].type);
      EXPECT_EQ(tensor.shape, contents.tensors[i].shape);
      const auto data = file->Data(tensor);
      EXPECT_TRUE(std::ranges::equal(data, RandomBytes(i, tensor.size)))
          << tensor.name;
    }
    EXPECT_EQ(fs::file_size(path_) % alignment, 0u);
  }
}

// The format by hand against the writer, byte for byte.
TEST_F(WriterTest, BytesAreTheFormats) {
  RawFile raw;
  raw.keys = {RawKey("k", 8, RawString("v")),
              RawKey("a", 9, RawArray(7, 2, std::string("\x01\x00", 2)))};
  raw.tensors = {RawTensor("t", {1, 3}, Id::kF32, 0),
                 RawTensor("u", {2}, Id::kI8, 32)};
  raw.data = Raw(1.0f) + Raw(2.0f) + Raw(3.0f) + std::string(20, '\0') + "xy" +
             std::string(30, '\0');

  Contents contents;
  contents.metadata = {{"k", std::string_view("v")},
                       {"a", ArrayOf<uint8_t>(ValueType::kBool, {1, 0})}};
  contents.tensors = {{.name = "t", .type = Id::kF32, .shape = {1, 3}},
                      {.name = "u", .type = Id::kI8, .shape = {2}}};
  auto writer = Writer::Create(path_, contents);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  const float numbers[] = {1, 2, 3};
  ASSERT_TRUE(writer->Append(std::as_bytes(std::span(numbers))).ok());
  ASSERT_TRUE(writer->Append(AsBytes("xy")).ok());
  ASSERT_TRUE(writer->Finish().ok());
  std::ifstream file(path_, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), raw.Bytes());
}

TEST_F(WriterTest, NothingAppearsWithoutFinish) {
  const Contents contents{{}, EveryTensorType()};
  {
    auto writer = Writer::Create(path_, contents);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    ASSERT_TRUE(writer->Append(RandomBytes(0, 10)).ok());
    EXPECT_EQ(writer->Finish().error().message,
              path_ +
                  ": tensor weight.F32 is incomplete: 10 of 24 bytes "
                  "written");
    EXPECT_FALSE(fs::exists(path_));
  }
  EXPECT_TRUE(FolderIsEmpty());
}

TEST_F(WriterTest, NothingAppearsWhenCancelled) {
  const Contents contents{{}, {{.name = "t", .type = Id::kF32, .shape = {2}}}};
  for (const bool at_finish : {false, true}) {
    bool cancelled = false;
    auto writer = Writer::Create(path_, contents, [&] { return cancelled; });
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    ASSERT_TRUE(writer->Append(RandomBytes(0, at_finish ? 8 : 4)).ok());
    cancelled = true;
    const Status status =
        at_finish ? writer->Finish() : writer->Append(RandomBytes(0, 4));
    EXPECT_EQ(status.error().message,
              path_ + ": cancelled, nothing was written there");
  }
  EXPECT_TRUE(FolderIsEmpty());
}

TEST_F(WriterTest, TooManyBytesAreRefused) {
  const Contents contents{{}, {{.name = "t", .type = Id::kF32, .shape = {2}}}};
  auto writer = Writer::Create(path_, contents);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  ASSERT_TRUE(writer->Append(RandomBytes(0, 5)).ok());
  EXPECT_EQ(writer->Append(RandomBytes(0, 4)).error().message,
            path_ + ": tensor t: 4 bytes appended to 5, it has only 8");
  ASSERT_TRUE(writer->Append(RandomBytes(0, 3)).ok());
  EXPECT_EQ(writer->Append(RandomBytes(0, 1)).error().message,
            path_ + ": 1 bytes after the last tensor");
  EXPECT_TRUE(writer->Finish().ok());
  EXPECT_TRUE(File::Open(path_).ok());
}

TEST_F(WriterTest, FoldersThatAreMissingAreNamed) {
  const std::string path = folder_ / "none" / "m.gguf";
  EXPECT_EQ(Writer::Create(path, {}).error().message,
            path + ".tmp0: cannot create: No such file or directory");
}

// The rules are the reader's; a few show that they are asked.
TEST_F(WriterTest, BadContentsAreRefused) {
  const auto error = [&](const Contents& contents) {
    const auto writer = Writer::Create(path_, contents);
    return writer.ok() ? "no error" : writer.error().message;
  };
  const TensorInfo t{.name = "t", .type = Id::kF32, .shape = {1}};
  EXPECT_EQ(error({{{"k", true}, {"k", true}}, {}}),
            path_ + ": key k occurs twice, as number 1 and 2 of 2");
  EXPECT_EQ(error({{}, {t, t}}),
            path_ + ": tensor t occurs twice, as number 1 and 2 of 2");
  EXPECT_EQ(error({{{"general.alignment", 12u}}, {}}),
            path_ +
                ": key general.alignment: 12 is not a positive 32-bit "
                "multiple of 8");
  EXPECT_EQ(error({{{"general.alignment", 0xFFE00000u}}, {}}),
            path_ +
                ": key general.alignment: 4292870144, files are written with "
                "at most 1048576");
  EXPECT_EQ(error({{}, {{.name = "q", .type = Id::kQ4_0, .shape = {33}}}}),
            path_ +
                ": tensor q: dimension 0 is 33, not a multiple of 32, the "
                "block of Q4_0");
  EXPECT_EQ(error({{}, {{.name = "s", .type = Id::kF32, .shape = {}}}}),
            path_ + ": tensor s: 0 dimensions, expected 1 to 4");
  EXPECT_EQ(error({{{"a", Array{ValueType::kU8, std::vector<float>{1}}}}, {}}),
            path_ + ": key a: array of u8 holds elements of another type");
  EXPECT_EQ(error({{{"b", ArrayOf<uint8_t>(ValueType::kBool, {2})}}, {}}),
            path_ + ": key b: bool at index 0 is 2, expected 0 or 1");
  Array deep = ArrayOf<uint8_t>(ValueType::kU8, {});
  for (int i = 0; i < 4; ++i) deep = ArrayOf<Array>(ValueType::kArray, {deep});
  EXPECT_EQ(error({{{"deep", deep}}, {}}),
            path_ + ": key deep: arrays are nested deeper than 4");
  const uint64_t half = uint64_t{1} << 62;
  EXPECT_EQ(error({{},
                   {{.name = "a", .type = Id::kI8, .shape = {half}},
                    {.name = "b", .type = Id::kI8, .shape = {half}}}}),
            path_ +
                ": tensor b: the file would have more than "
                "9223372036854775807 bytes");
  EXPECT_TRUE(FolderIsEmpty());
}

}  // namespace
}  // namespace braid::gguf
