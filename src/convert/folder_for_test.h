// Hugging Face folders for tests, in a folder that goes away.
#ifndef BRAID_SRC_CONVERT_FOLDER_FOR_TEST_H_
#define BRAID_SRC_CONVERT_FOLDER_FOR_TEST_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"

namespace braid::convert {

// A file with this header, whatever it says, and `data`.
inline std::string SafetensorsBytes(std::string_view header,
                                    std::string_view data) {
  const uint64_t size = header.size();
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  bytes += header;
  return bytes += data;
}

// A tensor of F32 for SafetensorsFile().
struct F32Tensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// Values 0, 0.25, 0.5, ... of that shape.
inline F32Tensor Ramp(std::string name, std::vector<int64_t> shape) {
  F32Tensor tensor = {std::move(name), std::move(shape), {}};
  int64_t elements = 1;
  for (const int64_t size : tensor.shape) elements *= size;
  for (int64_t i = 0; i < elements; ++i) {
    tensor.values.push_back(0.25f * static_cast<float>(i));
  }
  return tensor;
}

inline std::string SafetensorsFile(const std::vector<F32Tensor>& tensors) {
  std::string header = "{\"__metadata__\": {\"format\": \"pt\"}";
  std::string data;
  for (const F32Tensor& tensor : tensors) {
    std::string shape;
    for (const int64_t size : tensor.shape) {
      shape += Format("{}{}", shape.empty() ? "" : ", ", size);
    }
    const size_t bytes = tensor.values.size() * sizeof(float);
    header += Format(
        ", \"{}\": {\"dtype\": \"F32\", \"shape\": [{}], \"data_offsets\": "
        "[{}, {}]}",
        tensor.name, shape, data.size(), data.size() + bytes);
    data.append(reinterpret_cast<const char*>(tensor.values.data()), bytes);
  }
  return SafetensorsBytes(header + "}", data);
}

class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              Format("convert_{}.{}", test->name(), getpid());
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, std::string_view bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  std::string Path(const std::string& name) const { return folder_ / name; }

  std::filesystem::path folder_;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_FOLDER_FOR_TEST_H_
