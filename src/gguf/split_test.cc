// Models in several files.
#include "gguf/split.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/format.h"
#include "gguf/describe.h"
#include "gguf/file.h"
#include "gguf/raw_file_for_test.h"

namespace braid::gguf {
namespace {

namespace fs = std::filesystem;

constexpr int kParts = 3;

std::string PartName(int number) {
  return Format("m-0000{}-of-0000{}.gguf", number + 1, kParts);
}

// Part `number` of 3: `number` + 1 tensors, filled with the part's digit.
RawFile MakePart(int number) {
  RawFile file;
  file.keys = {RawKey("split.no", 2, Raw(static_cast<uint16_t>(number))),
               RawKey("split.count", 2, Raw(uint16_t{kParts})),
               RawKey("split.tensors.count", 5, Raw(int32_t{6}))};
  if (number == 0) file.keys.push_back(RawKey("only.in.first", 7, "\x01"));
  // Each part has its own alignment.
  if (number == 1) {
    file.alignment = 64;
    file.keys.push_back(RawKey("general.alignment", 4, Raw(64u)));
  }
  for (int i = 0; i <= number; ++i) {
    file.tensors.push_back(RawTensor(Format("t.{}.{}", number, i), {16}, 0,
                                     static_cast<uint64_t>(64 * i)));
    file.data += std::string(64, static_cast<char>('0' + number));
  }
  return file;
}

class SplitTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("gguf_split_test." + std::to_string(getpid()));
    fs::create_directory(folder_);
    for (int i = 0; i < kParts; ++i) Write(i, MakePart(i));
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(int number) const { return folder_ / PartName(number); }
  void Write(int number, const RawFile& part) const {
    std::ofstream(Path(number), std::ios::binary) << part.Bytes();
  }
  std::string OpenError(int number = 0) const {
    const auto file = File::Open(Path(number));
    return file.ok() ? "no error" : file.error().message;
  }

  fs::path folder_;
};

TEST_F(SplitTest, PartsAreOneModel) {
  const auto file = File::Open(Path(0));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->metadata().size(), 4u) << "metadata is the first part's";
  EXPECT_TRUE(*file->GetBool("only.in.first"));
  ASSERT_EQ(file->tensors().size(), 6u);
  for (const TensorInfo& tensor : file->tensors()) {
    EXPECT_EQ(tensor.name.substr(0, 4), Format("t.{}.", tensor.part));
    const auto digit = static_cast<std::byte>('0' + tensor.part);
    EXPECT_EQ(file->Data(tensor).front(), digit);
    EXPECT_EQ(file->Data(tensor).back(), digit);
    file->Release(tensor);
    EXPECT_EQ(file->Data(tensor).front(), digit);
  }
  EXPECT_NE(Show(*file).find("offset  part"), std::string::npos);
}

TEST_F(SplitTest, MissingPart) {
  fs::remove(Path(1));
  EXPECT_EQ(OpenError(), Path(1) + ": cannot open: No such file or directory");
}

TEST_F(SplitTest, NotTheFirstPart) {
  EXPECT_EQ(OpenError(2), Path(2) + ": is part 3 of 3; open the first");
}

TEST_F(SplitTest, FirstPartMustFollowTheNamingRule) {
  const std::string path = folder_ / "renamed.gguf";
  fs::rename(Path(0), path);
  const auto file = File::Open(path);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().message,
            path +
                ": is the first of 3 parts, so its name must end in "
                "-00001-of-00003.gguf");
}

TEST_F(SplitTest, PartThatSaysItIsAnother) {
  Write(1, MakePart(2));
  EXPECT_EQ(OpenError(), Path(1) + ": split.no is 2, expected 1");
}

TEST_F(SplitTest, PartOfAnotherSet) {
  RawFile part = MakePart(2);
  part.keys[1] = RawKey("split.count", 2, Raw(uint16_t{4}));
  Write(2, part);
  EXPECT_EQ(OpenError(),
            Path(2) + ": split.count is 4, in the first part it is 3");
}

TEST_F(SplitTest, PartThatIsNotSplit) {
  RawFile part = MakePart(1);
  part.keys.clear();
  part.alignment = 32;
  Write(1, part);
  EXPECT_EQ(OpenError(), Path(1) + ": split.no is 0, expected 1");
}

TEST_F(SplitTest, TensorCountsMustAgree) {
  RawFile part = MakePart(1);
  part.keys[2] = RawKey("split.tensors.count", 5, Raw(int32_t{7}));
  Write(1, part);
  EXPECT_EQ(OpenError(),
            Path(1) + ": split.tensors.count is 7, in the first part it is 6");
  part.keys.erase(part.keys.begin() + 2);
  Write(1, part);
  EXPECT_EQ(
      OpenError(),
      Path(1) + ": split.tensors.count is missing, in the first part it is 6");

  for (int i = 0; i < kParts; ++i) {
    part = MakePart(i);
    part.keys[2] = RawKey("split.tensors.count", 5, Raw(int32_t{7}));
    Write(i, part);
  }
  EXPECT_EQ(OpenError(), Path(0) +
                             ": split.tensors.count is 7, but the 3 "
                             "parts hold 6 tensors");
}

TEST_F(SplitTest, TensorInTwoParts) {
  RawFile part = MakePart(2);
  part.tensors[1] = RawTensor("t.0.0", {16}, 0, 64);
  Write(2, part);
  EXPECT_EQ(OpenError(),
            "tensor t.0.0 is in " + Path(0) + " and in " + Path(2));
}

TEST_F(SplitTest, BrokenPartIsNamed) {
  RawFile part = MakePart(2);
  part.data.pop_back();
  Write(2, part);
  EXPECT_EQ(OpenError(), Path(2) +
                             ": tensor t.2.2: 64 bytes at offset 128 of "
                             "the data section, which has only 191");
}

TEST_F(SplitTest, NumbersOutOfRange) {
  const auto error = [&](size_t key, std::string bytes) {
    RawFile part = MakePart(0);
    part.keys[key] = std::move(bytes);
    Write(0, part);
    return OpenError();
  };
  EXPECT_EQ(error(0, RawKey("split.no", 2, Raw(uint16_t{3}))),
            Path(0) + ": key split.no: part 3, expected 0 to 2");
  EXPECT_EQ(error(0, RawKey("split.no", 5, Raw(-1))),
            Path(0) + ": key split.no: part -1, expected 0 to 2");
  EXPECT_EQ(error(1, RawKey("split.count", 4, Raw(65536u))),
            Path(0) + ": key split.count: 65536 parts, expected 1 to 65535");
  EXPECT_EQ(
      error(1, RawKey("split.count", 8, RawString("3"))),
      Path(0) + ": key split.count: expected an integer, found string \"3\"");
}

}  // namespace
}  // namespace braid::gguf
