#include "gguf/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "base/format.h"
#include "gguf/raw_file_for_test.h"

namespace braid::gguf {
namespace {

namespace fs = std::filesystem;

// One key of every type.
RawFile EveryType() {
  RawFile file;
  file.keys = {
      RawKey("u8", 0, Raw<uint8_t>(200)),
      RawKey("i8", 1, Raw<int8_t>(-100)),
      RawKey("u16", 2, Raw<uint16_t>(60000)),
      RawKey("i16", 3, Raw<int16_t>(-30000)),
      RawKey("u32", 4, Raw<uint32_t>(4000000000)),
      RawKey("i32", 5, Raw<int32_t>(-2000000000)),
      RawKey("f32", 6, Raw<float>(0.1f)),
      RawKey("bool", 7, "\x01"),
      RawKey("string", 8, RawString("text")),
      RawKey("array", 9, RawArray(8, 2, RawString("a") + RawString("b"))),
      RawKey("u64", 10, Raw<uint64_t>(1ULL << 63)),
      RawKey("i64", 11, Raw<int64_t>(INT64_MIN)),
      RawKey("f64", 12, Raw<double>(0.1)),
  };
  return file;
}

template <class T>
std::string Message(const Result<T>& result) {
  return result.ok() ? "no error" : result.error().message;
}

TEST(File, GettersConvertWhatFits) {
  const std::string bytes = EveryType().Bytes();
  const auto file = File::Parse(AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(*file->GetInt("u8"), 200);
  EXPECT_EQ(*file->GetInt("i8"), -100);
  EXPECT_EQ(*file->GetInt("u16"), 60000);
  EXPECT_EQ(*file->GetInt("i16"), -30000);
  EXPECT_EQ(*file->GetInt("u32"), 4000000000);
  EXPECT_EQ(*file->GetInt("i32"), -2000000000);
  EXPECT_EQ(*file->GetInt("i64"), INT64_MIN);
  EXPECT_EQ(*file->GetFloat("f32"), static_cast<double>(0.1f));
  EXPECT_EQ(*file->GetFloat("f64"), 0.1);
  EXPECT_EQ(*file->GetFloat("i8"), -100.0);
  EXPECT_EQ(*file->GetFloat("u64"), 0x1p63);
  EXPECT_TRUE(*file->GetBool("bool"));
  EXPECT_EQ(*file->GetString("string"), "text");
}

TEST(File, GettersRefuseAnotherKindAndSayWhatTheyFound) {
  const std::string bytes = EveryType().Bytes();
  const auto file = File::Parse(AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(Message(file->GetInt("u64")),
            "key u64: expected an integer below 2^63, found u64 "
            "9223372036854775808");
  EXPECT_EQ(Message(file->GetInt("f32")),
            "key f32: expected an integer, found f32 0.1");
  EXPECT_EQ(Message(file->GetInt("bool")),
            "key bool: expected an integer, found bool true");
  EXPECT_EQ(Message(file->GetFloat("string")),
            "key string: expected a number, found string \"text\"");
  EXPECT_EQ(Message(file->GetBool("u8")),
            "key u8: expected a bool, found u8 200");
  EXPECT_EQ(Message(file->GetString("array")),
            "key array: expected a string, found string[2] [\"a\", \"b\"]");
}

TEST(File, DefaultsAreForMissingKeysOnly) {
  const std::string bytes = EveryType().Bytes();
  const auto file = File::Parse(AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->Find("none"), nullptr);
  EXPECT_EQ(Message(file->GetInt("none")), "key none is missing");
  EXPECT_EQ(Message(file->GetFloat("none")), "key none is missing");
  EXPECT_EQ(Message(file->GetBool("none")), "key none is missing");
  EXPECT_EQ(Message(file->GetString("none")), "key none is missing");
  EXPECT_EQ(*file->GetInt("none", 5), 5);
  EXPECT_EQ(*file->GetFloat("none", 0.5), 0.5);
  EXPECT_EQ(*file->GetBool("none", true), true);
  EXPECT_EQ(*file->GetString("none", "x"), "x");
  EXPECT_EQ(*file->GetInt("u8", 5), 200);
  EXPECT_FALSE(file->GetInt("string", 5).ok());
  EXPECT_FALSE(file->GetFloat("string", 5).ok());
  EXPECT_FALSE(file->GetBool("string", true).ok());
  EXPECT_FALSE(file->GetString("u8", "x").ok());
}

TEST(File, TensorsAndTheirData) {
  RawFile raw;
  raw.version = 2;
  raw.alignment = 8;
  raw.keys = {RawKey("general.alignment", 4, Raw(8u))};
  // Not in the order of their offsets, and with a gap.
  raw.tensors = {RawTensor("late", {3}, 0, 16), RawTensor("early", {2}, 24, 0)};
  raw.data = "ab......--------" + Raw(1.0f) + Raw(2.0f) + Raw(3.0f);
  const std::string bytes = raw.Bytes();
  auto parsed = File::Parse(AsBytes(bytes));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const File file = *std::move(parsed);
  EXPECT_EQ(file.version(), 2u);
  EXPECT_EQ(file.alignment(), 8u);
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.FindTensor("late"), &file.tensors()[0]);
  EXPECT_EQ(file.FindTensor("none"), nullptr);
  const auto early = file.Data(*file.FindTensor("early"));
  EXPECT_EQ(std::memcmp(early.data(), "ab", 2), 0);
  EXPECT_EQ(early.size(), 2u);
  float last = 0;
  const auto late = file.Data(*file.FindTensor("late"));
  std::memcpy(&last, late.data() + 8, sizeof last);
  EXPECT_EQ(last, 3.0f);
  file.Release(*file.FindTensor("late"));  // no effect on the caller's memory
  EXPECT_EQ(late[0], std::byte{0});
}

TEST(File, TwoThousandTensors) {
  constexpr int kTensors = 2500;
  RawFile raw;
  for (int i = 0; i < kTensors; ++i) {
    raw.tensors.push_back(
        RawTensor(Format("blk.{}.weight", i), {8}, 0, uint64_t{32} * i));
    raw.data += std::string(32, static_cast<char>(i));
  }
  const std::string bytes = raw.Bytes();
  const auto file = File::Parse(AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_EQ(file->tensors().size(), size_t{kTensors});
  for (int i = 0; i < kTensors; ++i) {
    const TensorInfo* tensor = file->FindTensor(Format("blk.{}.weight", i));
    ASSERT_EQ(tensor, &file->tensors()[i]);
    EXPECT_EQ(file->Data(*tensor)[31], static_cast<std::byte>(i));
  }
}

class OpenTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("gguf_file_test." + std::to_string(getpid()));
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  fs::path folder_;
};

TEST_F(OpenTest, MapsTheFile) {
  RawFile raw;
  raw.tensors = {RawTensor("t", {4096}, 0, 0)};
  raw.data = std::string(4 * 4096, 'x');
  const auto file = File::Open(Write("a.gguf", raw.Bytes()));
  ASSERT_TRUE(file.ok()) << file.error().message;
  const TensorInfo& tensor = file->tensors()[0];
  file->Release(tensor);
  EXPECT_EQ(file->Data(tensor)[0], std::byte{'x'});
  EXPECT_EQ(file->Data(tensor)[4 * 4096 - 1], std::byte{'x'});
}

TEST_F(OpenTest, ErrorsNameTheFile) {
  const std::string path = Write("bad.gguf", "GGU");
  EXPECT_EQ(Message(File::Open(path)),
            path + ": not a GGUF file: 3 bytes, its header alone takes 24");
  const std::string none = folder_ / "none.gguf";
  EXPECT_EQ(Message(File::Open(none)),
            none + ": cannot open: No such file or directory");
}

// The file takes a few kilobytes of disk: the rest is a hole.
TEST_F(OpenTest, TensorsBeyondFourGigabytes) {
  constexpr uint64_t kFar = uint64_t{5} << 30;
  RawFile raw;
  raw.tensors = {RawTensor("near", {kFar / 4}, 0, 0),
                 RawTensor("far", {8}, 0, kFar)};
  const std::string header = raw.Bytes();
  const std::string path = Write("big.gguf", header);
  fs::resize_file(path, header.size() + kFar);
  std::ofstream(path, std::ios::binary | std::ios::app) << std::string(32, 'f');
  const auto file = File::Open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->Data(file->tensors()[0]).size(), kFar);
  EXPECT_EQ(file->Data(file->tensors()[0])[kFar - 1], std::byte{0});
  EXPECT_EQ(file->Data(file->tensors()[1])[31], std::byte{'f'});

  fs::resize_file(path, header.size() + kFar + 31);
  EXPECT_EQ(Message(File::Open(path)),
            path +
                ": tensor far: 32 bytes at offset 5368709120 of the data "
                "section, which has only 5368709151");
}

// Opening reads the header only; the best of three, because machines are busy.
TEST_F(OpenTest, TenGigabytesOpenAtOnce) {
  constexpr uint64_t kTensors = 2000;
  constexpr uint64_t kTensorBytes = 5'000'000 / 32 * 32;
  RawFile raw;
  for (uint64_t i = 0; i < kTensors; ++i) {
    raw.tensors.push_back(RawTensor(Format("blk.{}.weight", i),
                                    {kTensorBytes / 4}, 0, i * kTensorBytes));
  }
  const std::string header = raw.Bytes();
  const std::string path = Write("huge.gguf", header);
  fs::resize_file(path, header.size() + kTensors * kTensorBytes);
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto file = File::Open(path);
    best = std::min(best, std::chrono::steady_clock::now() - start);
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(file->tensors().size(), kTensors);
    const TensorInfo* const last = file->FindTensor("blk.1999.weight");
    ASSERT_NE(last, nullptr);
    EXPECT_EQ(file->Data(*last).back(), std::byte{0});
  }
  EXPECT_LT(best, std::chrono::milliseconds(100));
}

TEST(RealFiles, VocabulariesAreRead) {
  const struct {
    const char* name;
    const char* model;
    size_t tokens;
  } kFiles[] = {
      {"bert-bge", "bert", 30522},   {"deepseek-coder", "gpt2", 32256},
      {"gpt-2", "gpt2", 50257},      {"gpt-neox", "gpt2", 50432},
      {"llama-spm", "llama", 32000},
  };
  const fs::path folder = fs::path(BRAID_DATA_DIR) / "vocab";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  for (const auto& expected : kFiles) {
    const auto file =
        File::Open(folder / Format("ggml-vocab-{}.gguf", expected.name));
    ASSERT_TRUE(file.ok()) << file.error().message;
    EXPECT_EQ(*file->GetString("tokenizer.ggml.model"), expected.model);
    const Value* const tokens = file->Find("tokenizer.ggml.tokens");
    ASSERT_NE(tokens, nullptr);
    ASSERT_EQ(TypeOf(*tokens), ValueType::kArray);
    EXPECT_EQ(Count(std::get<Array>(*tokens)), expected.tokens);
    EXPECT_TRUE(file->tensors().empty());
  }
}

TEST(RealFiles, ModelIsRead) {
  const fs::path path =
      fs::path(BRAID_DATA_DIR) / "weights" / "stories260K-f32.gguf";
  if (!fs::exists(path)) GTEST_SKIP() << "no " << path;
  const auto file = File::Open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->tensors().size(), 48u);
  const TensorInfo* const tensor = file->FindTensor("blk.4.ffn_down.weight");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->shape, (std::vector<uint64_t>{172, 64}));
  EXPECT_EQ(file->Data(*tensor).size(), 172u * 64 * 4);
}

}  // namespace
}  // namespace braid::gguf
