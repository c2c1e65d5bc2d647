#include "apps/braid/logits_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/random.h"

namespace braid::cli {
namespace {

class LogitsFileTest : public testing::Test {
 protected:
  LogitsFileTest()
      : path_(testing::TempDir() + "logits-" +
              testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~LogitsFileTest() override { std::filesystem::remove(path_); }

  // Two chunks of six tokens, a vocabulary of seven.
  std::string Written() {
    Random random(5);
    LogitsHeader header = {.context = 6,
                           .vocabulary = 7,
                           .chunks = 2,
                           .tokens = {0, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1}};
    auto writer = LogitsWriter::Create(path_, header);
    EXPECT_TRUE(writer.ok());
    for (int row = 0; row < 4; ++row) {
      std::vector<float> logits(7);
      for (float& logit : logits) logit = random.Uniform(-12, 12);
      EXPECT_TRUE(writer->Add(logits).ok());
      rows_.push_back(std::move(logits));
    }
    EXPECT_TRUE(writer->Finish().ok());
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static Result<LogitsReader> Parse(const std::string& bytes) {
    return LogitsReader::Parse(std::as_bytes(std::span(bytes)));
  }

  const std::string path_;
  std::vector<std::vector<float>> rows_;
};

TEST_F(LogitsFileTest, RowsComeBackWithinAStep) {
  Written();
  const auto reader = LogitsReader::Open(path_);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ(reader->header().scored(), 2);
  EXPECT_EQ(reader->header().tokens[6], 6);
  std::vector<float> row(7);
  for (int r = 0; r < 4; ++r) {
    ASSERT_TRUE(reader->Row(r, row).ok());
    double sum = 0;
    float largest = rows_[r][0];
    for (const float logit : rows_[r]) {
      sum += std::exp(logit);
      largest = std::max(largest, logit);
    }
    for (int i = 0; i < 7; ++i) {
      const double expected =
          std::max(rows_[r][i], largest - 16) - std::log(sum);
      EXPECT_NEAR(row[i], expected, 16.0 / 65535) << r << ", " << i;
    }
  }
}

TEST_F(LogitsFileTest, DamageIsRefused) {
  const std::string bytes = Written();
  ASSERT_TRUE(Parse(bytes).ok());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(Parse(bytes.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(Parse(bytes + "x").ok());
  for (const size_t at : {0u, 8u, 12u, 16u, 20u}) {
    for (const uint32_t value : {0u, 1u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
      std::string damaged = bytes;
      std::memcpy(damaged.data() + at, &value, sizeof(value));
      if (damaged == bytes || (at == 20 && value < 7)) continue;
      EXPECT_FALSE(Parse(damaged).ok()) << at << ", " << value;
    }
  }
}

}  // namespace
}  // namespace braid::cli
