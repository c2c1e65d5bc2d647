#include "apps/braid/embedding_output.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace braid::cli {
namespace {

const std::vector<EmbeddedText> kTexts = {
    {.text = "one\ntwo", .rows = {{3, 4}}, .tokens = 2},
    {.text = "drei", .rows = {{4, -3}}, .tokens = 1}};

EmbeddingRow Normalized(int norm, EmbeddingRow row) {
  NormalizeRow(norm, row);
  return row;
}

TEST(NormalizeRowTest, ByEveryNorm) {
  EXPECT_EQ(Normalized(-1, {3, -4}), (EmbeddingRow{3, -4}));
  EXPECT_EQ(Normalized(0, {1, -2}), (EmbeddingRow{16380, -32760}));
  EXPECT_EQ(Normalized(1, {1, -3}), (EmbeddingRow{0.25f, -0.75f}));
  EXPECT_EQ(Normalized(2, {3, -4}), (EmbeddingRow{0.6f, -0.8f}));
  const EmbeddingRow cubes = Normalized(3, {1, 2});
  EXPECT_NEAR(std::pow(cubes[0], 3) + std::pow(cubes[1], 3), 1, 1e-6);
  EXPECT_EQ(Normalized(2, {0, 0}), (EmbeddingRow{0, 0}));
}

TEST(CosineSimilarityTest, OfAnglesAndZeros) {
  const EmbeddingRow a = {1, 2};
  const EmbeddingRow zeros = {0, 0};
  EXPECT_DOUBLE_EQ(CosineSimilarity(a, a), 1);
  EXPECT_NEAR(CosineSimilarity(a, EmbeddingRow{-2, 1}), 0, 1e-15);
  EXPECT_EQ(CosineSimilarity(a, zeros), 0);
  EXPECT_EQ(CosineSimilarity(zeros, zeros), 1);
}

TEST(FormatEmbeddingsTest, Text) {
  EXPECT_EQ(FormatEmbeddings(kTexts, true, EmbeddingFormat::kText, "m"),
            "embedding 0:  3.000000  4.000000 \n"
            "embedding 1:  4.000000 -3.000000 \n"
            "\ncosine similarity matrix:\n\n"
            "one tw   drei \n"
            "  1.00   0.00 one two\n"
            "  0.00   1.00 drei\n");
}

TEST(FormatEmbeddingsTest, ArrayAndRaw) {
  EXPECT_EQ(FormatEmbeddings(kTexts, true, EmbeddingFormat::kArray, "m"),
            "[[3, 4],\n [4, -3]]\n");
  EXPECT_EQ(FormatEmbeddings(kTexts, true, EmbeddingFormat::kRaw, "m"),
            "3 4\n4 -3\n");
  EXPECT_EQ(FormatEmbeddings(kTexts, false, EmbeddingFormat::kArray, "m"),
            "[[[3, 4]],\n [[4, -3]]]\n");
}

TEST(FormatEmbeddingsTest, ATextWithoutRowsKeepsItsPlace) {
  const std::vector<EmbeddedText> texts = {
      kTexts[0], {.text = "", .rows = {}, .tokens = 0}, kTexts[1]};
  EXPECT_EQ(FormatEmbeddings(texts, true, EmbeddingFormat::kText, "m"),
            "embedding 0:  3.000000  4.000000 \n"
            "embedding 1: none\n"
            "embedding 2:  4.000000 -3.000000 \n"
            "\ncosine similarity matrix:\n\n"
            "one tw          drei \n"
            "  1.00   none   0.00 one two\n"
            "  none   none   none \n"
            "  0.00   none   1.00 drei\n");
  EXPECT_EQ(FormatEmbeddings(texts, true, EmbeddingFormat::kRaw, "m"),
            "3 4\n\n4 -3\n");
  EXPECT_EQ(FormatEmbeddings(texts, true, EmbeddingFormat::kArray, "m"),
            "[[3, 4],\n null,\n [4, -3]]\n");
  const std::string json =
      FormatEmbeddings(texts, true, EmbeddingFormat::kJsonPlus, "m");
  EXPECT_NE(json.find("\"index\": 1, \"embedding\": null}"), std::string::npos);
  EXPECT_NE(json.find("[1.000000, null, 0.000000]"), std::string::npos);
}

TEST(FormatEmbeddingsTest, Json) {
  EXPECT_EQ(FormatEmbeddings(kTexts, true, EmbeddingFormat::kJsonPlus, "\"m"),
            "{\"object\": \"list\", \"model\": \"\\\"m\", \"usage\": "
            "{\"prompt_tokens\": 3, \"total_tokens\": 3}, \"data\": [\n"
            "  {\"object\": \"embedding\", \"index\": 0, \"embedding\": "
            "[3, 4]},\n"
            "  {\"object\": \"embedding\", \"index\": 1, \"embedding\": "
            "[4, -3]}],\n"
            "\"cosineSimilarity\": [\n"
            "  [1.000000, 0.000000],\n"
            "  [0.000000, 1.000000]\n"
            "]}\n");
  const std::vector<EmbeddedText> odd = {
      {.text = "", .rows = {{std::numeric_limits<float>::quiet_NaN()}}}};
  EXPECT_NE(
      FormatEmbeddings(odd, true, EmbeddingFormat::kJson, "").find("[null]"),
      std::string::npos);
}

}  // namespace
}  // namespace braid::cli
