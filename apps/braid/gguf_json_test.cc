// The JSON of the gguf commands, read back by another library.
#include "apps/braid/gguf_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/braid/json_text.h"
#include "gguf/raw_file_for_test.h"

namespace braid::cli {
namespace {

using gguf::Raw;
using gguf::RawArray;
using gguf::RawKey;
using gguf::RawString;
using nlohmann::json;

gguf::RawFile EveryType() {
  gguf::RawFile file;
  file.keys = {
      RawKey("u8", 0, Raw(uint8_t{200})),
      RawKey("i8", 1, Raw(int8_t{-100})),
      RawKey("u16", 2, Raw(uint16_t{60000})),
      RawKey("i16", 3, Raw(int16_t{-30000})),
      RawKey("u32", 4, Raw(4000000000u)),
      RawKey("i32", 5, Raw(-2000000000)),
      RawKey("f32", 6, Raw(0.1f)),
      RawKey("bool", 7, "\x01"),
      RawKey("string", 8, RawString("a \"b\"\n\x7F Grüße \xF0\x9F\x98\x80")),
      RawKey("bytes", 8, RawString("a\xFFz\xE2\x82")),
      RawKey("u64", 10, Raw(std::numeric_limits<uint64_t>::max())),
      RawKey("i64", 11, Raw(std::numeric_limits<int64_t>::min())),
      RawKey("f64", 12, Raw(-1e300)),
      RawKey("nan", 6, Raw(std::numeric_limits<float>::quiet_NaN())),
      RawKey("inf", 12, Raw(-std::numeric_limits<double>::infinity())),
      RawKey("bools", 9, RawArray(7, 2, std::string("\x01\x00", 2))),
      RawKey("empty", 9, RawArray(8, 0, "")),
      RawKey("nested", 9,
             RawArray(9, 2,
                      RawArray(8, 2, RawString("x") + RawString("\x80")) +
                          RawArray(6, 1, Raw(0.5f)))),
      RawKey("a \"key\"\\", 0, Raw(uint8_t{1})),
  };
  file.tensors = {gguf::RawTensor("t", {32, 2}, 8, 0),
                  gguf::RawTensor("u", {3}, 0, 96)};
  file.data = std::string(96 + 12, '\0');
  return file;
}

TEST(ShowJson, EveryTypeReadsBack) {
  const std::string bytes = EveryType().Bytes();
  const auto file = gguf::File::Parse(gguf::AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  const json document = json::parse(ShowJson(*file, "m\xFF.gguf"));
  EXPECT_EQ(document["file"], "m\uFFFD.gguf");
  EXPECT_EQ(document["version"], 3);
  EXPECT_EQ(document["alignment"], 32);
  EXPECT_EQ(document["parts"], 1);
  const json& metadata = document["metadata"];
  EXPECT_EQ(metadata.size(), 19u);
  EXPECT_EQ(metadata["u8"], (json{{"type", "u8"}, {"value", 200}}));
  EXPECT_EQ(metadata["i8"]["value"], -100);
  EXPECT_EQ(metadata["u16"]["value"], 60000);
  EXPECT_EQ(metadata["i16"]["value"], -30000);
  EXPECT_EQ(metadata["u32"]["value"], 4000000000);
  EXPECT_EQ(metadata["i32"]["value"], -2000000000);
  EXPECT_EQ(metadata["f32"]["value"].dump(), "0.1");
  EXPECT_EQ(metadata["bool"]["value"], true);
  EXPECT_EQ(metadata["string"]["value"],
            "a \"b\"\n\x7F Grüße \xF0\x9F\x98\x80");
  EXPECT_EQ(metadata["bytes"]["value"], "a\uFFFDz\uFFFD\uFFFD");
  EXPECT_EQ(metadata["u64"]["value"], std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(metadata["i64"]["value"], std::numeric_limits<int64_t>::min());
  EXPECT_EQ(metadata["f64"]["value"], -1e300);
  EXPECT_EQ(metadata["nan"]["value"], "nan");
  EXPECT_EQ(metadata["inf"]["value"], "-inf");
  EXPECT_EQ(metadata["bools"]["element_type"], "bool");
  EXPECT_EQ(metadata["bools"]["value"], (json{true, false}));
  EXPECT_EQ(metadata["empty"]["value"], json::array());
  EXPECT_EQ(metadata["nested"]["value"], (json{{"x", "\uFFFD"}, {0.5}}));
  EXPECT_EQ(metadata["a \"key\"\\"]["value"], 1);
  EXPECT_EQ(document["tensors"][0], (json{{"name", "t"},
                                          {"type", "Q8_0"},
                                          {"shape", {32, 2}},
                                          {"bytes", 68},
                                          {"offset", 0},
                                          {"part", 1}}));
  EXPECT_EQ(document["tensors"][1]["offset"], 96);
}

TEST(ShowJson, AnEmptyFile) {
  const std::string bytes = gguf::RawFile().Bytes();
  const auto file = gguf::File::Parse(gguf::AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  const json document = json::parse(ShowJson(*file, ""));
  EXPECT_EQ(document["metadata"], json::object());
  EXPECT_EQ(document["tensors"], json::array());
}

TEST(CheckJson, BothOutcomes) {
  EXPECT_EQ(json::parse(CheckJson(std::string("fine"), "m")),
            (json{{"file", "m"}, {"ok", true}, {"message", "fine"}}));
  EXPECT_EQ(json::parse(CheckJson(Error{"bad \x80"}, "m")),
            (json{{"file", "m"}, {"ok", false}, {"message", "bad \uFFFD"}}));
}

TEST(CheckJson, SaysWhatAModelReads) {
  FileUse use;
  use.architecture = "llama";
  use.keys = {{"llama.a", FileUse::Kind::kRead},
              {"llama.b", FileUse::Kind::kIgnored, "says nothing"}};
  use.tensors = {{"c", FileUse::Kind::kLeftOver}};
  const json document = json::parse(CheckJson(Error{"c"}, "m", &use));
  EXPECT_EQ(
      document["model"],
      (json{{"architecture", "llama"},
            {"keys",
             {{{"name", "llama.a"}, {"use", "read"}, {"reason", nullptr}},
              {{"name", "llama.b"},
               {"use", "ignored"},
               {"reason", "says nothing"}}}},
            {"tensors",
             {{{"name", "c"}, {"use", "left over"}, {"reason", nullptr}}}}}));
}

TEST(HashJson, ListsDigests) {
  const gguf::ModelHash hash = {HashKind::kSha256, {{"t", "01"}}, "02"};
  EXPECT_EQ(json::parse(HashJson(hash, "m")),
            (json{{"file", "m"},
                  {"hash", "sha256"},
                  {"tensors", {{{"name", "t"}, {"digest", "01"}}}},
                  {"digest", "02"}}));
}

TEST(SplitJson, ListsParts) {
  EXPECT_EQ(
      json::parse(SplitJson({{"a", 0, 3, 400}}, "m", false)),
      (json{{"file", "m"},
            {"written", false},
            {"parts", {{{"file", "a"}, {"tensors", 3}, {"bytes", 400}}}}}));
}

TEST(JsonText, IsEscaped) {
  EXPECT_EQ(JsonText("a\"b\\\n"), R"("a\"b\\\u000a")");
  EXPECT_EQ(JsonText(std::string_view("\0", 1)), R"("\u0000")");
}

// Every pair of bytes, valid or not, gives a string that a parser takes.
TEST(JsonText, AnyBytesAreValid) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first),
                                static_cast<char>(second)};
      ASSERT_TRUE(json::accept(JsonText(text))) << first << " " << second;
    }
  }
}

}  // namespace
}  // namespace braid::cli
