#include "quantize/importance.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "base/format.h"

namespace braid::quantize {
namespace {

template <class T>
std::string Raw(T value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

// An entry of the older format.
std::string OldEntry(const std::string& name, int32_t calls,
                     const std::vector<float>& values) {
  std::string bytes = Raw(static_cast<int32_t>(name.size())) + name +
                      Raw(calls) + Raw(static_cast<int32_t>(values.size()));
  for (const float value : values) bytes += Raw(value);
  return bytes;
}

std::string OldFile() {
  return Raw(int32_t{2}) + OldEntry("blk.0.a.weight", 4, {8, 2, 0}) +
         OldEntry("blk.1.b.weight", 0, {3}) + Raw(int32_t{7}) +
         Raw(int32_t{5}) + "a.txt";
}

Result<ImportanceMatrix> Parse(const std::string& bytes) {
  return ImportanceMatrix::Parse(std::as_bytes(std::span(bytes)));
}

TEST(ImportanceTest, ReadsTheOlderFormat) {
  const auto matrix = Parse(OldFile());
  ASSERT_TRUE(matrix.ok()) << matrix.error().message;
  EXPECT_EQ(matrix->Weights("blk.0.a.weight"),
            (std::vector<float>{2, 0.5f, 0}));
  EXPECT_EQ(matrix->Weights("blk.1.b.weight"), (std::vector<float>{3}));
  EXPECT_TRUE(matrix->Weights("blk.2.b.weight").empty());
  EXPECT_EQ(matrix->chunk_count, 7u);
  EXPECT_EQ(matrix->datasets, (std::vector<std::string>{"a.txt"}));
}

TEST(ImportanceTest, EveryCutOfAFileIsRefused) {
  const std::string whole = OldFile();
  const size_t entries = whole.size() - 4 - 4 - 5;  // the rest is optional
  for (size_t size = 0; size < whole.size(); ++size) {
    if (size == entries) continue;
    EXPECT_FALSE(Parse(whole.substr(0, size)).ok()) << size;
  }
}

TEST(ImportanceTest, NumbersThatAreNoSquaresAreRefused) {
  for (const float bad : {-1.0f, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    const auto matrix = Parse(Raw(int32_t{1}) + OldEntry("w", 1, {1, bad}));
    ASSERT_FALSE(matrix.ok());
    EXPECT_NE(matrix.error().message.find("w: expected finite"),
              std::string::npos)
        << matrix.error().message;
  }
}

TEST(ImportanceTest, WrittenFilesMeanTheSame) {
  ImportanceMatrix matrix;
  matrix.Add("experts.weight", {{4, 6, 0, 0}, {2, 0}});
  matrix.datasets = {"a.txt", "b.txt"};
  matrix.chunk_count = 3;
  matrix.chunk_size = 512;
  const auto path = std::filesystem::path(testing::TempDir()) /
                    Format("importance.{}.gguf", getpid());
  ASSERT_TRUE(matrix.Write(path).ok());
  const auto again = ImportanceMatrix::Read(path);
  ASSERT_TRUE(again.ok()) << again.error().message;
  // The second expert saw no row.
  EXPECT_EQ(again->Weights("experts.weight"), (std::vector<float>{2, 3, 1, 1}));
  EXPECT_EQ(again->datasets, matrix.datasets);
  EXPECT_EQ(again->chunk_count, 3u);
  EXPECT_EQ(again->chunk_size, 512u);

  std::ifstream file(path, std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(file), {});
  const size_t data_end = whole.size() - 24;  // the last tensor is 8 of 32
  for (size_t size = 0; size < data_end; size += 7) {
    EXPECT_FALSE(Parse(whole.substr(0, size)).ok()) << size;
  }
  std::filesystem::remove(path);
}

TEST(ImportanceTest, TheOlderFormIsReadBack) {
  ImportanceMatrix matrix;
  matrix.Add("experts.weight", {{4, 6, 0, 0}, {2, 0}});
  matrix.datasets = {"a.txt"};
  matrix.chunk_count = 3;
  const auto path = std::filesystem::path(testing::TempDir()) /
                    Format("importance.{}.dat", getpid());
  ASSERT_TRUE(matrix.WriteOld(path).ok());
  const auto again = ImportanceMatrix::Read(path);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->Weights("experts.weight"), (std::vector<float>{2, 3, 1, 1}));
  EXPECT_EQ(again->datasets, matrix.datasets);
  EXPECT_EQ(again->chunk_count, 3u);
  std::filesystem::remove(path);
}

TEST(ImportanceTest, MergedSumsAndCountsAreAdded) {
  ImportanceMatrix matrix;
  matrix.Add("a", {{4, 6, 0, 0}, {2, 0}});
  matrix.datasets = {"a.txt"};
  matrix.chunk_count = 1;
  matrix.chunk_size = 64;
  ImportanceMatrix more;
  more.Add("a", {{2, 0, 5, 10}, {1, 5}});
  more.Add("b", {{9}, {3}});
  more.datasets = {"b.txt"};
  more.chunk_count = 2;
  more.chunk_size = 64;
  ASSERT_TRUE(matrix.Merge(more).ok());
  EXPECT_EQ(matrix.Weights("a"), (std::vector<float>{2, 2, 1, 2}));
  EXPECT_EQ(matrix.Weights("b"), (std::vector<float>{3}));
  EXPECT_EQ(matrix.chunk_count, 3u);
  EXPECT_EQ(matrix.datasets, (std::vector<std::string>{"a.txt", "b.txt"}));
}

TEST(ImportanceTest, WhatDoesNotFitIsNotMerged) {
  ImportanceMatrix matrix;
  matrix.Add("a", {{4, 6}, {2}});
  matrix.chunk_size = 64;
  ImportanceMatrix wider;
  wider.Add("a", {{4, 6, 1}, {2}});
  wider.Add("b", {{1}, {1}});
  wider.chunk_size = 64;
  EXPECT_EQ(matrix.Merge(wider).error().message,
            "a: 2 inputs of 1 matrices and 3 of 1");
  EXPECT_EQ(matrix.size(), 1u);
  EXPECT_FALSE(matrix.Merge(*Parse(OldFile())).ok());
}

TEST(ImportanceTest, TheOlderFormMergesOnceItsRowsAreCounted) {
  const std::string bytes =
      Raw(int32_t{1}) + OldEntry("a", 4, {8, 2}) + Raw(int32_t{4});
  const std::string no_text = bytes + Raw(int32_t{0});
  ImportanceMatrix all;
  all.Add("a", {{64, 0}, {32}});
  all.chunk_size = 32;
  auto older = Parse(no_text);
  ASSERT_TRUE(older.ok()) << older.error().message;
  EXPECT_TRUE(older->is_older());
  EXPECT_FALSE(all.Merge(*older).ok());
  ASSERT_TRUE(older->CountRows(8).ok());
  EXPECT_FALSE(older->is_older());
  ASSERT_TRUE(all.Merge(*older).ok());
  // (64 + 8 * 8) / (32 + 4 * 8), 2 * 8 / 64
  EXPECT_EQ(all.Weights("a"), (std::vector<float>{2, 0.25f}));
}

TEST(ImportanceTest, RowsThatCannotBeCountedAreNot) {
  const auto error = [](const std::string& entry, uint32_t tokens) {
    auto older = Parse(Raw(int32_t{1}) + entry);
    if (!older.ok()) return older.error().message;
    const Status counted = older->CountRows(tokens);
    return counted.ok() ? std::string() : counted.error().message;
  };
  EXPECT_EQ(error(OldEntry("a", 1, {1}), 512), "");
  EXPECT_EQ(error(OldEntry("up_exps.weight", 1, {1}), 512),
            "up_exps.weight: the older format does not say how many rows each "
            "expert saw");
  EXPECT_EQ(error(OldEntry("a", 0, {1}), 512),
            "a: has no calls, so that its rows cannot be counted");
  EXPECT_NE(error(OldEntry("a", 1 << 20, {1}), 17), "");
  EXPECT_EQ(error(OldEntry("a", 1 << 20, {1}), 16), "");
  EXPECT_NE(error(OldEntry("a", 1, {1}), 0), "");
  EXPECT_NE(error(OldEntry("a", 1, {3e38f}), 2), "");
}

TEST(ImportanceTest, FiltersByName) {
  ImportanceMatrix matrix;
  for (const char* name : {"blk.0.ffn_up", "blk.0.attn_q", "output"}) {
    matrix.Add(name, {{1}, {1}});
  }
  const std::string include[] = {"blk."};
  const std::string exclude[] = {"attn"};
  matrix.Filter(include, exclude);
  EXPECT_EQ(matrix.size(), 1u);
  EXPECT_FALSE(matrix.Weights("blk.0.ffn_up").empty());
}

}  // namespace
}  // namespace braid::quantize
