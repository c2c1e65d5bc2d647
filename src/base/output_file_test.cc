#include "base/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace braid {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("output_file_test." + std::to_string(getpid()));
    fs::create_directory(folder_);
    path_ = folder_ / "file";
  }
  void TearDown() override { fs::remove_all(folder_); }

  size_t FilesInFolder() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_),
                                             fs::directory_iterator()));
  }
  std::string Read() const {
    std::ifstream file(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  fs::path folder_;
  std::string path_;
};

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST_F(OutputFileTest, AppearsAtCommit) {
  auto file = OutputFile::Create(path_);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(file->Write(Bytes("one ")).ok());
  EXPECT_TRUE(file->Write(Bytes("")).ok());
  EXPECT_TRUE(file->Write(Bytes("two")).ok());
  EXPECT_FALSE(fs::exists(path_));
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Read(), "one two");
  EXPECT_EQ(FilesInFolder(), 1u);
}

TEST_F(OutputFileTest, WithoutCommitTheOldFileStays) {
  std::ofstream(path_) << "old";
  {
    auto file = OutputFile::Create(path_);
    ASSERT_TRUE(file.ok()) << file.error().message;
    ASSERT_TRUE(file->Write(Bytes("new")).ok());
  }
  EXPECT_EQ(Read(), "old");
  EXPECT_EQ(FilesInFolder(), 1u);
}

TEST_F(OutputFileTest, TwoWritersDoNotMix) {
  auto a = OutputFile::Create(path_);
  auto b = OutputFile::Create(path_);
  ASSERT_TRUE(a.ok() && b.ok());
  ASSERT_TRUE(a->Write(Bytes("aa")).ok());
  ASSERT_TRUE(b->Write(Bytes("b")).ok());
  ASSERT_TRUE(b->Commit().ok());
  EXPECT_EQ(Read(), "b");
  ASSERT_TRUE(a->Commit().ok());
  EXPECT_EQ(Read(), "aa");
}

TEST_F(OutputFileTest, ModeIsTheCallers) {
  auto file = OutputFile::Create(path_, 0600);
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_TRUE(file->Commit().ok());
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(OutputFileTest, MovedFilesAreWrittenOnce) {
  auto created = OutputFile::Create(path_);
  ASSERT_TRUE(created.ok()) << created.error().message;
  OutputFile file = *std::move(created);
  auto other = OutputFile::Create(folder_ / "other");
  ASSERT_TRUE(other.ok()) << other.error().message;
  *other = std::move(file);
  ASSERT_TRUE(other->Write(Bytes("x")).ok());
  ASSERT_TRUE(other->Commit().ok());
  EXPECT_EQ(Read(), "x");
}

TEST_F(OutputFileTest, ErrorsNamePathAndReason) {
  const std::string path = folder_ / "no" / "file";
  EXPECT_EQ(OutputFile::Create(path).error().message,
            path + ".tmp0: cannot create: No such file or directory");

  auto file = OutputFile::Create(path_);
  ASSERT_TRUE(file.ok()) << file.error().message;
  fs::create_directory(path_);
  EXPECT_EQ(file->Commit().error().message,
            path_ + ": cannot replace: Is a directory");
}

// The root may replace /dev/null; nobody wants to.
TEST_F(OutputFileTest, OnlyRegularFilesAreReplaced) {
  const fs::path pipe = folder_ / "pipe";
  const fs::path link = folder_ / "link";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink(pipe, link);
  for (const fs::path& path : {folder_, pipe, link}) {
    EXPECT_EQ(OutputFile::Create(path).error().message,
              path.string() + ": cannot replace: not a regular file");
  }
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(FilesInFolder(), 2u);
}

// A link planted at the temporary name must not decide where bytes go.
TEST_F(OutputFileTest, StepsOverLinksAndLeftovers) {
  std::ofstream(path_ + ".tmp0") << "left behind";
  fs::create_symlink(folder_ / "elsewhere", path_ + ".tmp1");
  auto file = OutputFile::Create(path_);
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_TRUE(file->Write(Bytes("x")).ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Read(), "x");
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

}  // namespace
}  // namespace braid
