#include "nn/weight_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gguf/file.h"
#include "gguf/tensor_type.h"
#include "gguf/writer.h"
#include "nn/vocabulary_layers.h"

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

// A file with one F32 table of 64 x `rows` elements, whose bytes count up.
std::string TableFile(int64_t rows) {
  gguf::Contents contents;
  gguf::TensorInfo table;
  table.name = "token_embd.weight";
  table.shape = {64, static_cast<uint64_t>(rows)};
  table.type = Id::kF32;
  contents.tensors.push_back(std::move(table));
  const Result<gguf::Header> header = gguf::EncodeHeader(contents);
  EXPECT_TRUE(header.ok()) << header.error().message;
  std::vector<std::byte> bytes = header->bytes;
  for (size_t i = 0; i < header->data_bytes; ++i) {
    bytes.push_back(static_cast<std::byte>(i % 60));
  }
  std::string path = testing::TempDir() + "/weight_source_test." +
                     std::to_string(getpid()) + ".gguf";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return path;
}

// Rows of a large table come from the file, those of a small one from a copy,
// and both are the rows of the table. When the file has lost them, reading a
// row of the large one is an exception, and loading either an error.
TEST(GgufSource, EmbeddingRowsOfLargeAndSmallTables) {
  ThreadPool threads(1);
  for (const int64_t rows : {100, 10000}) {
    const std::string path = TableFile(rows);
    Result<gguf::File> opened = gguf::File::Open(path);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    GgufSource source(*opened);
    WeightScope w(source, threads);
    const EmbeddingTable table = w.Embedding("token_embd.weight", 64, rows);
    const nn::TokenEmbedding embedding(w, 64, rows);
    ASSERT_TRUE(w.status().ok()) << w.status().error().message;
    const gguf::File file = *std::move(opened);  // as a loaded model takes it
    EXPECT_EQ(table.file != nullptr, rows == 10000);

    Arena arena;
    Compute compute{arena, threads};
    const std::vector<TokenId> tokens = {7, 0, static_cast<TokenId>(rows - 1)};
    const Rows x = embedding(compute, tokens);
    const std::byte* const stored = file.Data(file.tensors()[0]).data();
    for (size_t i = 0; i < tokens.size(); ++i) {
      EXPECT_EQ(std::memcmp(x.row(static_cast<int64_t>(i)),
                            stored + static_cast<size_t>(tokens[i]) * 256, 256),
                0);
    }

    std::filesystem::resize_file(path, 128);
    if (rows == 10000) {
      EXPECT_THROW(embedding(compute, tokens), std::runtime_error);
    } else {
      embedding(compute, tokens);
    }
    GgufSource shortened(file);
    WeightScope lost(shortened, threads);
    lost.Matrix("token_embd.weight", 64, rows);
    ASSERT_FALSE(lost.status().ok());
    EXPECT_NE(lost.status().error().message.find("cut short"),
              std::string::npos)
        << lost.status().error().message;
    std::filesystem::remove(path);
  }
}

TEST(GgufSource, MemoryHasNoFile) {
  const std::vector<std::byte> bytes = FileOf({Id::kF32});
  const Result<gguf::File> file = gguf::File::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(GgufSource(*file).Mapping("F32"), nullptr);
}

}  // namespace
}  // namespace braid
