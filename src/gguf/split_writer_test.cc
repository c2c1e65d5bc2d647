#include "gguf/split_writer.h"

#include <string>
#include <vector>

#include "gguf/hash.h"
#include "gguf/model_file_for_test.h"
#include "gguf/split.h"

namespace braid::gguf {
namespace {

namespace fs = std::filesystem;

class SplitWriterTest : public ModelFileTest {
 protected:
  // Splits `path`, whose parts are PREFIX-...; returns the plan.
  std::vector<PlannedPart> Split(const std::string& path,
                                 const std::string& prefix,
                                 const SplitLimits& limits) const {
    const auto file = File::Open(path);
    EXPECT_TRUE(file.ok()) << file.error().message;
    const auto parts = PlanSplit(*file, folder_ / prefix, limits);
    EXPECT_TRUE(parts.ok()) << parts.error().message;
    const Status written = WriteSplit(*file, *parts);
    EXPECT_TRUE(written.ok()) << written.error().message;
    return *parts;
  }

  std::string Merge(const std::string& first) const {
    const auto file = File::Open(first);
    EXPECT_TRUE(file.ok()) << file.error().message;
    const std::string path = folder_ / "merged.gguf";
    const auto plan = PlanMerge(*file, path);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    const Status written = WriteMerged(*file, path);
    EXPECT_TRUE(written.ok()) << written.error().message;
    EXPECT_EQ(fs::file_size(path), plan->bytes);
    return path;
  }
};

TEST_F(SplitWriterTest, MergingGivesTheSameBytes) {
  for (const size_t alignment : {8u, 32u, 128u}) {
    const std::string path = Write("aligned.gguf", SmallModel(alignment));
    for (const SplitLimits limits :
         {SplitLimits{.tensors = 1}, SplitLimits{.tensors = 4},
          SplitLimits{.tensors = 100}, SplitLimits{.bytes = 600},
          SplitLimits{.tensors = 2, .bytes = 600}}) {
      const auto parts = Split(path, "part", limits);
      EXPECT_EQ(ReadBytes(Merge(parts[0].path)), ReadBytes(path));
      for (const PlannedPart& part : parts) fs::remove(part.path);
    }
  }
}

TEST_F(SplitWriterTest, PartsAreOneModelWithTheSameHashes) {
  const auto parts = Split(path_, "part", {.tensors = 4});
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].path, (folder_ / "part-00002-of-00002.gguf").string());
  const auto whole = File::Open(path_);
  const auto split = File::Open(parts[0].path);
  ASSERT_TRUE(whole.ok() && split.ok());
  EXPECT_EQ(split->parts(), 2u);
  EXPECT_EQ(*split->GetString("general.name"), "small");
  EXPECT_EQ(*split->GetInt(kSplitTensorsKey), 6);
  EXPECT_EQ(split->tensors()[4].part, 1);
  EXPECT_TRUE(CompareHashes(*HashTensors(*whole, HashKind::kSha256),
                            *HashTensors(*split, HashKind::kSha256))
                  .ok());
}

TEST_F(SplitWriterTest, PlannedSizesAreTheFiles) {
  // Tensors of 16 to 96 bytes, each padded to 32.
  for (const uint64_t limit : {200u, 480u, 550u, 1000u}) {
    const auto parts = Split(path_, "part", {.bytes = limit});
    size_t tensors = 0;
    for (const PlannedPart& part : parts) {
      EXPECT_EQ(part.first_tensor, tensors);
      tensors += part.tensors;
      EXPECT_EQ(fs::file_size(part.path), part.bytes);
      EXPECT_TRUE(part.bytes <= limit || part.tensors == 1)
          << part.bytes << " of " << limit;
    }
    EXPECT_EQ(tensors, 6u);
    for (const PlannedPart& part : parts) fs::remove(part.path);
  }
}

TEST_F(SplitWriterTest, SetsCanBeCutAgain) {
  const auto parts = Split(path_, "one", {.tensors = 1});
  EXPECT_EQ(parts.size(), 6u);
  const auto again = Split(parts[0].path, "two", {.tensors = 3});
  ASSERT_EQ(again.size(), 2u);
  const auto file = File::Open(again[0].path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(*file->GetInt(kSplitCountKey), 2);
  EXPECT_EQ(ReadBytes(Merge(again[0].path)), ReadBytes(path_));
}

TEST_F(SplitWriterTest, AModelWithoutTensorsIsOnePart) {
  RawFile empty = SmallModel();
  empty.tensors.clear();
  empty.data.clear();
  const std::string path = Write("empty.gguf", empty);
  const auto parts = Split(path, "part", {.tensors = 1});
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(ReadBytes(Merge(parts[0].path)), ReadBytes(path));
}

TEST_F(SplitWriterTest, NoLimitIsRefused) {
  const auto file = File::Open(path_);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(PlanSplit(*file, "x", {}).error().message,
            "neither a number of tensors nor of bytes limits a part");
}

// The keys are 16 bits wide.
TEST(PlanSplit, TooManyPartsAreRefused) {
  RawFile many;
  for (uint64_t i = 0; i <= kMaxSplitParts; ++i) {
    many.tensors.push_back(RawTensor(Format("t.{}", i), {8}, 24, i * 32));
  }
  many.data.resize(many.tensors.size() * 32);
  const std::string bytes = many.Bytes();
  const auto file = File::Parse(AsBytes(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(PlanSplit(*file, "x", {.tensors = 1}).error().message,
            "65536 parts, a split set has at most 65535");
}

TEST_F(SplitWriterTest, FoldersThatAreMissingAreNamed) {
  const auto file = File::Open(path_);
  ASSERT_TRUE(file.ok());
  const std::string prefix = folder_ / "none" / "m";
  const auto parts = PlanSplit(*file, prefix, {.tensors = 6});
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(WriteSplit(*file, *parts).error().message,
            prefix +
                "-00001-of-00001.gguf.tmp0: cannot create: No such file or "
                "directory");
}

}  // namespace
}  // namespace braid::gguf
