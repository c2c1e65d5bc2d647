#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

namespace braid {
namespace {

namespace fs = std::filesystem;

class MappedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("mapped_file_test." + std::to_string(getpid()));
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }

  fs::path folder_;
};

std::string_view Text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()),
          file.bytes().size()};
}

TEST_F(MappedFileTest, HoldsTheBytesOfTheFile) {
  auto file = MappedFile::Open(Write("a", "hello"));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(Text(*file), "hello");
  const MappedFile moved = *std::move(file);
  EXPECT_EQ(Text(moved), "hello");
}

TEST_F(MappedFileTest, EmptyFileIsEmpty) {
  const auto file = MappedFile::Open(Write("empty", ""));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(file->bytes().empty());
}

TEST_F(MappedFileTest, ReleasedBytesReadTheSame) {
  const std::string text(100000, 'x');
  const auto file = MappedFile::Open(Write("b", text));
  ASSERT_TRUE(file.ok()) << file.error().message;
  file->Release(file->bytes());
  file->Release(file->bytes().subspan(5, 10));
  EXPECT_EQ(Text(*file), text);
}

TEST_F(MappedFileTest, ReadsWhatIsMapped) {
  std::string text(100000, ' ');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
  auto file = MappedFile::Open(Write("c", text));
  ASSERT_TRUE(file.ok()) << file.error().message;
  const MappedFile moved = *std::move(file);
  for (const size_t begin : {size_t{0}, size_t{4095}, size_t{99000}}) {
    std::string read(1000, ' ');
    ASSERT_TRUE(moved.Read(moved.bytes().subspan(begin, read.size()),
                           reinterpret_cast<std::byte*>(read.data())));
    EXPECT_EQ(read, text.substr(begin, read.size()));
  }
}

TEST_F(MappedFileTest, TellsThatTheFileBecameShorter) {
  const auto file = MappedFile::Open(Write("d", std::string(5000, 'x')));
  ASSERT_TRUE(file.ok()) << file.error().message;
  fs::resize_file(Path("d"), 4500);
  std::string read(1000, ' ');
  auto* const to = reinterpret_cast<std::byte*>(read.data());
  EXPECT_TRUE(file->Read(file->bytes().subspan(3000, 1000), to));
  EXPECT_FALSE(file->Read(file->bytes().subspan(4000, 1000), to));
}

TEST_F(MappedFileTest, ErrorsNamePathAndReason) {
  EXPECT_EQ(MappedFile::Open(Path("none")).error().message,
            Path("none") + ": cannot open: No such file or directory");
  EXPECT_EQ(MappedFile::Open(folder_).error().message,
            folder_.string() + ": not a regular file");
  // A pipe would block an ordinary open until somebody writes to it.
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(MappedFile::Open(Path("pipe")).error().message,
            Path("pipe") + ": not a regular file");
}

}  // namespace
}  // namespace braid
