#include "base/patch_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/format.h"

namespace braid {
namespace {

namespace fs = std::filesystem;

TEST(PatchFile, OverwritesARange) {
  const std::string path =
      fs::path(testing::TempDir()) / Format("patch_file_test.{}", getpid());
  std::ofstream(path) << "0123456789";
  const std::string_view text = "abc";
  const Status patched = PatchFile(path, 4, std::as_bytes(std::span(text)));
  EXPECT_TRUE(patched.ok()) << patched.error().message;
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}),
            "0123abc789");
  fs::remove(path);
}

TEST(PatchFile, MissingFilesAreNamedAndNotMade) {
  const std::string path =
      fs::path(testing::TempDir()) / Format("patch_file_none.{}", getpid());
  EXPECT_EQ(PatchFile(path, 0, {}).error().message,
            path + ": cannot open for writing: No such file or directory");
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace braid
