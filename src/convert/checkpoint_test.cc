#include "convert/checkpoint.h"

#include "convert/folder_for_test.h"

namespace braid::convert {

namespace {

using CheckpointTest = FolderTest;

constexpr const char* kIndex = "model.safetensors.index.json";

TEST_F(CheckpointTest, ReadsOneFile) {
  Write("model.safetensors", SafetensorsFile({Ramp("a", {2}), Ramp("b", {3})}));
  const auto checkpoint = Checkpoint::Open(folder_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->tensors().size(), 2u);
  ASSERT_NE(checkpoint->Find("b"), nullptr);
  EXPECT_EQ(checkpoint->Find("b")->shape, Shape{3});
  EXPECT_EQ(checkpoint->Find("c"), nullptr);
}

TEST_F(CheckpointTest, ReadsSeveralFiles) {
  Write("1.safetensors", SafetensorsFile({Ramp("a", {2})}));
  Write("2.safetensors", SafetensorsFile({Ramp("b", {3})}));
  Write(kIndex, R"({"weight_map": {"b": "2.safetensors",
                                   "a": "1.safetensors"}})");
  const auto checkpoint = Checkpoint::Open(folder_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  ASSERT_EQ(checkpoint->tensors().size(), 2u);
  EXPECT_EQ(checkpoint->Find("b")->file, 1u);
}

TEST_F(CheckpointTest, RefusesWhatDoesNotFitTogether) {
  EXPECT_FALSE(Checkpoint::Open(folder_).ok());  // nothing is there
  Write("1.safetensors", SafetensorsFile({Ramp("a", {2})}));
  Write("2.safetensors", SafetensorsFile({Ramp("a", {2})}));
  for (const char* index :
       {"{}", R"({"weight_map": 1})", R"({"weight_map": {"a": 1}})",
        R"({"weight_map": {"a": "../1.safetensors"}})",
        R"({"weight_map": {"a": "3.safetensors"}})",
        R"({"weight_map": {"b": "1.safetensors"}})",
        // The same tensor in both.
        R"({"weight_map": {"a": "1.safetensors", "x": "2.safetensors"}})"}) {
    Write(kIndex, index);
    EXPECT_FALSE(Checkpoint::Open(folder_).ok()) << index;
  }
}

}  // namespace

}  // namespace braid::convert
