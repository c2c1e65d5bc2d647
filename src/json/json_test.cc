#include "json/json.h"

#include <gtest/gtest.h>

namespace braid {

namespace {

TEST(Json, AnswersByKind) {
  const auto json = Json::Parse(
      R"({"a": [1, 2.0, 2.5, true, "x", null], "b": {"c": -3}, "b2": 1e300})");
  ASSERT_TRUE(json.ok()) << json.error().message;
  const auto a = (*json)["a"].Elements();
  ASSERT_EQ(a.size(), 6u);
  EXPECT_EQ(a[0].Int(), 1);
  EXPECT_EQ(a[1].Int(), 2);
  EXPECT_FALSE(a[2].Int());
  EXPECT_EQ(a[2].Number(), 2.5);
  EXPECT_EQ(a[3].Bool(), true);
  ASSERT_NE(a[4].Text(), nullptr);
  EXPECT_EQ(*a[4].Text(), "x");
  EXPECT_TRUE(a[5].IsNull());
  EXPECT_EQ((*json)["b"]["c"].Int(), -3);
  EXPECT_FALSE((*json)["b2"].Int());
  EXPECT_TRUE((*json)["b"]["none"]["deeper"].IsNull());
  EXPECT_EQ((*json)["a"].Kind(), "an array");
}

TEST(Json, UnderstandsWhatPythonWrites) {
  const auto json = Json::Parse(
      R"({"limit": [0.0, Infinity], "x": NaN, "y": -Infinity,)"
      R"( "long": 1000000000000000019884624838656, "short": [-7, 1.5e3],)"
      R"( "text": "an Infinity of \" NaN 1000000000000000019884624838656"})");
  ASSERT_TRUE(json.ok()) << json.error().message;
  EXPECT_TRUE((*json)["limit"].Elements()[1].IsNull());
  EXPECT_TRUE((*json)["x"].IsNull());
  EXPECT_TRUE((*json)["y"].IsNull());
  EXPECT_EQ(*(*json)["text"].Text(),
            "an Infinity of \" NaN 1000000000000000019884624838656");
  EXPECT_EQ((*json)["long"].Number(), 1e30);
  EXPECT_FALSE((*json)["long"].Int());
  EXPECT_EQ((*json)["short"].Elements()[0].Int(), -7);
  EXPECT_EQ((*json)["short"].Elements()[1].Int(), 1500);
}

TEST(Json, TheLastOfEqualKeysCounts) {
  const auto json = Json::Parse(R"({"a": 1, "a": 2})");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ((*json)["a"].Int(), 2);
}

TEST(Json, RefusesDepthAndDamage) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(Json::Parse(nested(Json::kMaxDepth - 1)).ok());
  EXPECT_FALSE(Json::Parse(nested(Json::kMaxDepth + 1)).ok());
  for (const char* damaged : {"", "{", "[1,]", "{\"a\": }", "\"\xFF\"", "nul",
                              "{\"a\": 1} {\"b\": 2}"}) {
    EXPECT_FALSE(Json::Parse(damaged).ok()) << damaged;
  }
}

TEST(Json, WritesWhatItReads) {
  const std::string text =
      R"({"a":[1,-2.5,1e+300,true,false,null,"x\"\\\u000a\u00e9"],"b":{}})";
  const auto json = Json::Parse(text);
  ASSERT_TRUE(json.ok()) << json.error().message;
  const std::string written = WriteJson(*json);
  EXPECT_EQ(written,
            "{\"a\":[1,-2.5,1e+300,true,false,null,"
            "\"x\\\"\\\\\\u000a\u00e9\"],\"b\":{}}");
  EXPECT_EQ(WriteJson(*Json::Parse(written)), written);
}

}  // namespace

}  // namespace braid
