#include "nn/weight_source.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "gguf/file.h"
#include "gguf/tensor_type.h"
#include "gguf/writer.h"

namespace braid {
namespace {

using Id = gguf::TensorTypeId;

// One tensor of 256 elements for each type, named after it; all bytes 0.
std::vector<std::byte> FileOf(const std::vector<uint32_t>& types) {
  gguf::Contents contents;
  for (const uint32_t type : types) {
    gguf::TensorInfo tensor;
    tensor.name = gguf::TensorTypeText(type);
    tensor.shape = {256};
    tensor.type = type;
    contents.tensors.push_back(std::move(tensor));
  }
  const Result<gguf::Header> header = gguf::EncodeHeader(contents);
  EXPECT_TRUE(header.ok()) << header.error().message;
  std::vector<std::byte> bytes = header->bytes;
  bytes.resize(bytes.size() + header->data_bytes);
  return bytes;
}

TEST(GgufSource, RefusesCodebookTypesByName) {
  const std::vector<uint32_t> types = {
      Id::kIQ1_S,   Id::kIQ1_M, Id::kIQ2_XXS, Id::kIQ2_XS, Id::kIQ2_S,
      Id::kIQ3_XXS, Id::kIQ3_S, Id::kNVFP4,   Id::kQ1_0,   Id::kQ2_0};
  const std::vector<std::byte> bytes = FileOf(types);
  const Result<gguf::File> file = gguf::File::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.error().message;
  GgufSource source(*file);
  for (const uint32_t type : types) {
    const std::string name = gguf::TensorTypeText(type);
    const auto found = source.Find(name, {256}, Role::kMatrix);
    ASSERT_FALSE(found.ok()) << name;
    const std::string& message = found.error().message;
    EXPECT_NE(message.find(": stored as " + name + ": "), std::string::npos)
        << message;
    EXPECT_NE(message.find("supported are F32 (0), F16 (1)"), std::string::npos)
        << message;
    EXPECT_NE(message.find("MXFP4 (39)"), std::string::npos) << message;
  }
}

// Tables of numbers beside the weights hinder nothing; as weights they are
// refused.
TEST(GgufSource, LeavesTablesOfNumbersAlone) {
  const std::vector<uint32_t> types = {Id::kF64, Id::kI8,  Id::kI16,
                                       Id::kI32, Id::kI64, Id::kF32};
  const std::vector<std::byte> bytes = FileOf(types);
  const Result<gguf::File> file = gguf::File::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.error().message;
  GgufSource source(*file);
  EXPECT_TRUE(source.Find("F32", {256}, Role::kMatrix).ok());
  for (const char* name : {"F64", "I8", "I16", "I32", "I64"}) {
    EXPECT_FALSE(source.Find(name, {256}, Role::kMatrix).ok()) << name;
  }
}

}  // namespace
}  // namespace braid
