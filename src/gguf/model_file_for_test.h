// A small model for tests of what changes files: every kind of metadata that
// matters there and tensors of several types, in a folder that goes away.
#ifndef BRAID_SRC_GGUF_MODEL_FILE_FOR_TEST_H_
#define BRAID_SRC_GGUF_MODEL_FILE_FOR_TEST_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/format.h"
#include "gguf/file.h"
#include "gguf/raw_file_for_test.h"

namespace braid::gguf {

// 6 keys; tensor t.I (I < 6) is F32 {4, I + 1}, filled with the digit I.
inline RawFile SmallModel(size_t alignment = 32) {
  RawFile file;
  file.alignment = alignment;
  file.keys = {
      RawKey("general.architecture", 8, RawString("llama")),
      RawKey("general.alignment", 4, Raw(static_cast<uint32_t>(alignment))),
      RawKey("general.name", 8, RawString("small")),
      RawKey("llama.block_count", 4, Raw(uint32_t{7})),
      RawKey("llama.rope.scale", 6, Raw(0.5f)),
      RawKey("tokenizer.ggml.tokens", 9,
             RawArray(8, 2, RawString("a") + RawString("\xFF")))};
  for (uint64_t i = 0; i < 6; ++i) {
    file.tensors.push_back(
        RawTensor(Format("t.{}", i), {4, i + 1}, 0, file.data.size()));
    file.data += std::string(16 * (i + 1), static_cast<char>('0' + i));
    file.data.resize((file.data.size() + alignment - 1) / alignment *
                     alignment);
  }
  return file;
}

inline std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class ModelFileTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              Format("gguf_{}.{}", test->name(), getpid());
    std::filesystem::create_directory(folder_);
    path_ = Write("model.gguf", SmallModel());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const RawFile& file) const {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << file.Bytes();
    return path;
  }

  std::filesystem::path folder_;
  std::string path_;  // of a SmallModel()
};

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_MODEL_FILE_FOR_TEST_H_
