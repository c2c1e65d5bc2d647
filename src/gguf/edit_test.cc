#include "gguf/edit.h"

#include <string>

#include "gguf/hash.h"
#include "gguf/model_file_for_test.h"
#include "gguf/split_writer.h"

namespace braid::gguf {
namespace {

class EditTest : public ModelFileTest {
 protected:
  File Open(const std::string& path) const {
    auto file = File::Open(path);
    EXPECT_TRUE(file.ok()) << file.error().message;
    return *std::move(file);
  }
  File Open() const { return Open(path_); }

  std::string SetError(std::string_view key, std::string_view text,
                       const EditOptions& options = {}) const {
    const auto edit = MakeSet(Open(), key, text, options);
    return edit.ok() ? "no error" : edit.error().message;
  }
  // Into a new file, which is returned.
  std::string Set(std::string_view key, std::string_view text,
                  const EditOptions& options = {}) const {
    const File file = Open();
    const auto edit = MakeSet(file, key, text, options);
    EXPECT_TRUE(edit.ok()) << edit.error().message;
    return Apply(file, *edit);
  }
  std::string Apply(const File& file, const Edit& edit) const {
    const std::string path = folder_ / "edited.gguf";
    const Status written = WriteEdited(file, edit, path);
    EXPECT_TRUE(written.ok()) << written.error().message;
    return path;
  }
  // Into the file itself.
  std::string Patch(std::string_view key, std::string_view text,
                    const EditOptions& options = {}) const {
    const File file = Open();
    const auto edit = MakeSet(file, key, text, options);
    EXPECT_TRUE(edit.ok()) << edit.error().message;
    const Status written = PatchInPlace(file, *edit, path_);
    return written.ok() ? "no error" : written.error().message;
  }
};

TEST_F(EditTest, AValueIsReplacedAndKeepsItsTypeAndPlace) {
  RawFile expected = SmallModel();
  expected.keys[2] = RawKey("general.name", 8, RawString("a longer name"));
  EXPECT_EQ(ReadBytes(Set("general.name", "a longer name")), expected.Bytes());
  expected = SmallModel();
  expected.keys[3] = RawKey("llama.block_count", 4, Raw(8u));
  EXPECT_EQ(ReadBytes(Set("llama.block_count", "8")), expected.Bytes());
}

TEST_F(EditTest, ANewValueComesLast) {
  RawFile expected = SmallModel();
  expected.keys.push_back(RawKey("new", 3, Raw(int16_t{-5})));
  EXPECT_EQ(ReadBytes(Set("new", "-5", {.type = ValueType::kI16})),
            expected.Bytes());
}

TEST_F(EditTest, ATypeMayChange) {
  RawFile expected = SmallModel();
  expected.keys[4] = RawKey("llama.rope.scale", 12, Raw(0.25));
  EXPECT_EQ(
      ReadBytes(Set("llama.rope.scale", "0.25", {.type = ValueType::kF64})),
      expected.Bytes());
}

TEST_F(EditTest, AKeyIsRemoved) {
  RawFile expected = SmallModel();
  expected.keys.erase(expected.keys.begin() + 5);
  const File file = Open();
  const auto edit = MakeDelete(file, "tokenizer.ggml.tokens", {});
  ASSERT_TRUE(edit.ok()) << edit.error().message;
  EXPECT_EQ(ReadBytes(Apply(file, *edit)), expected.Bytes());
  EXPECT_EQ(MakeDelete(file, "none", {}).error().message,
            "key none is not there");
}

TEST_F(EditTest, AnotherAlignmentMovesTheTensors) {
  const File before = Open();
  const File after =
      Open(Set("general.alignment", "4096", {.type = {}, .force = true}));
  EXPECT_EQ(after.alignment(), 4096u);
  EXPECT_EQ(after.tensors()[1].offset, 4096u);
  EXPECT_TRUE(CompareHashes(*HashTensors(before, HashKind::kXxh64),
                            *HashTensors(after, HashKind::kXxh64))
                  .ok());
}

TEST_F(EditTest, AFileMayReplaceItself) {
  const File file = Open();
  const auto edit = MakeSet(file, "general.name", "another", {});
  ASSERT_TRUE(edit.ok());
  ASSERT_TRUE(WriteEdited(file, *edit, path_).ok());
  EXPECT_EQ(*Open().GetString("general.name"), "another");
}

TEST_F(EditTest, InPlaceChangesOnlyTheValue) {
  RawFile expected = SmallModel();
  expected.keys[2] = RawKey("general.name", 8, RawString("SMALL"));
  EXPECT_EQ(Patch("general.name", "SMALL"), "no error");
  EXPECT_EQ(ReadBytes(path_), expected.Bytes());
  expected.keys[4] = RawKey("llama.rope.scale", 6, Raw(-1.5f));
  EXPECT_EQ(Patch("llama.rope.scale", "-1.5"), "no error");
  EXPECT_EQ(ReadBytes(path_), expected.Bytes());
  expected.keys[0] = RawKey("general.architecture", 8, RawString("mamba"));
  EXPECT_EQ(Patch("general.architecture", "mamba", {.type = {}, .force = true}),
            "no error");
  EXPECT_EQ(ReadBytes(path_), expected.Bytes());
}

TEST_F(EditTest, WhatMovesBytesIsNotDoneInPlace) {
  const std::string before = ReadBytes(path_);
  EXPECT_EQ(Patch("general.name", "longer"),
            "key general.name: the new value is a string of 14 bytes, the old "
            "a string of 13; write a new file");
  EXPECT_EQ(Patch("llama.block_count", "1", {.type = ValueType::kI32}),
            "key llama.block_count: the new value is a i32 of 4 bytes, the old "
            "a u32 of 4; write a new file");
  EXPECT_EQ(Patch("new", "1", {.type = ValueType::kI32}),
            "key new would come or go, which moves the rest of the file; write "
            "a new file");
  EXPECT_EQ(Patch("general.alignment", "64", {.type = {}, .force = true}),
            "key general.alignment places every tensor; write a new file");
  EXPECT_EQ(ReadBytes(path_), before);
}

TEST_F(EditTest, BadSettingsNameTheKeyAndTheValues) {
  EXPECT_EQ(SetError("llama.block_count", "-1"),
            "key llama.block_count: \"-1\" is no u32");
  EXPECT_EQ(SetError("llama.block_count", "4294967296"),
            "key llama.block_count: \"4294967296\" is out of the range of u32");
  EXPECT_EQ(SetError("new", "1"), "key new is new, so its type must be given");
  EXPECT_EQ(SetError("tokenizer.ggml.tokens", "x"),
            "key tokenizer.ggml.tokens: array cannot be set, only numbers, "
            "bools and strings");
}

TEST_F(EditTest, StructureNeedsForce) {
  for (const char* const key :
       {"general.architecture", "general.alignment", "split.no", "split.count",
        "split.tensors.count"}) {
    const std::string expected = Format(
        "key {} says how the file is to be read; changing it is only done by "
        "force",
        key);
    EXPECT_EQ(SetError(key, "1", {.type = ValueType::kU16}), expected);
    EXPECT_EQ(MakeDelete(Open(), key, {}).error().message, expected);
  }
  EXPECT_EQ(
      SetError("general.architecture", "mamba", {.type = {}, .force = true}),
      "no error");
}

TEST_F(EditTest, TheWritersRulesHold) {
  const File file = Open();
  const auto edit = MakeSet(file, "bad\nkey", "1", {.type = ValueType::kU8});
  ASSERT_TRUE(edit.ok());
  const std::string path = folder_ / "edited.gguf";
  EXPECT_EQ(
      WriteEdited(file, *edit, path).error().message,
      path + ": name of key 7 of 7: \"bad\\nkey\" is not printable ASCII");
}

TEST_F(EditTest, SplitSetsAreMergedFirst) {
  const auto parts = PlanSplit(Open(), folder_ / "part", {.tensors = 3});
  ASSERT_TRUE(parts.ok());
  ASSERT_TRUE(WriteSplit(Open(), *parts).ok());
  const File set = Open((*parts)[0].path);
  const auto edit = MakeSet(set, "general.name", "longer", {});
  ASSERT_TRUE(edit.ok());
  EXPECT_EQ(WriteEdited(set, *edit, folder_ / "x.gguf").error().message,
            "the file is a set of 2 parts; merge it first");
}

}  // namespace
}  // namespace braid::gguf
