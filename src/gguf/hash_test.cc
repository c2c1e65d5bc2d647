#include "gguf/hash.h"

#include <string>

#include "gguf/model_file_for_test.h"
#include "gguf/pieces.h"

namespace braid::gguf {
namespace {

std::string HashOf(HashKind kind, std::string_view text) {
  Hasher hasher(kind);
  hasher.Add(AsBytes(text));
  return hasher.Finish();
}

class HashTest : public ModelFileTest {
 protected:
  ModelHash Hash(HashKind kind = HashKind::kXxh64) const {
    const auto file = File::Open(path_);
    EXPECT_TRUE(file.ok()) << file.error().message;
    return *HashTensors(*file, kind);
  }
};

TEST_F(HashTest, CoversTheTensorsBytesAndNoPadding) {
  for (const HashKind kind : {HashKind::kXxh64, HashKind::kSha256}) {
    const ModelHash hash = Hash(kind);
    ASSERT_EQ(hash.tensors.size(), 6u);
    std::string all;
    for (size_t i = 0; i < 6; ++i) {
      const std::string bytes(16 * (i + 1), static_cast<char>('0' + i));
      EXPECT_EQ(hash.tensors[i].name, Format("t.{}", i));
      EXPECT_EQ(hash.tensors[i].hex, HashOf(kind, bytes));
      all += bytes;
    }
    EXPECT_EQ(hash.whole, HashOf(kind, all));
  }
}

TEST_F(HashTest, TensorsLargerThanAPiece) {
  RawFile file;
  const uint64_t size = 2 * kPieceBytes + 4096;
  file.tensors = {RawTensor("big", {size}, 24, 0)};
  for (uint64_t i = 0; i < size; ++i) {
    file.data += static_cast<char>(i * i >> 7);
  }
  path_ = Write("big.gguf", file);
  EXPECT_EQ(Hash().tensors[0].hex, HashOf(HashKind::kXxh64, file.data));
}

TEST_F(HashTest, ManifestReadsBack) {
  const ModelHash xxh64 = Hash(HashKind::kXxh64);
  const ModelHash sha256 = Hash(HashKind::kSha256);
  const std::string text =
      ManifestText(xxh64, "a: model.gguf") + "\n" + ManifestText(sha256, "b");
  EXPECT_TRUE(text.starts_with("xxh64  " + xxh64.tensors[0].hex +
                               "  a: model.gguf:t.0\n"));
  const auto parsed = ParseManifest(text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[0].whole, xxh64.whole);
  EXPECT_EQ((*parsed)[1].whole, sha256.whole);
  EXPECT_TRUE(CompareHashes((*parsed)[0], xxh64).ok());
  EXPECT_TRUE(CompareHashes((*parsed)[1], sha256).ok());
}

TEST(Manifest, DamageIsNamedWithItsLine) {
  const auto error = [](std::string_view text) {
    const auto parsed = ParseManifest(text);
    return parsed.ok() ? "no error" : parsed.error().message;
  };
  const std::string hex = "0123456789abcdef";
  const std::string good = "xxh64  " + hex + "  m\n";
  EXPECT_EQ(error(good), "no error");
  EXPECT_EQ(error("xxh64 " + hex + "\tm\r\n"), "no error");
  EXPECT_EQ(error(""), "the manifest is empty");
  EXPECT_EQ(error("\n \n"), "the manifest is empty");
  EXPECT_EQ(error("\nsha1  12  m\n"),
            "line 2: hash \"sha1\" is not known, only xxh64 and sha256");
  EXPECT_EQ(error("xxh64  0123  m\n"),
            "line 1: \"0123\" is not a xxh64 hash of 16 digits in lower case");
  EXPECT_EQ(error("xxh64  0123456789ABCDEF  m\n"),
            "line 1: \"0123456789ABCDEF\" is not a xxh64 hash of 16 digits in "
            "lower case");
  EXPECT_EQ(error("xxh64  " + hex), "line 1: the name is missing");
  EXPECT_EQ(error("xxh64  " + hex + "  other:t\n" + good),
            "line 1: \"other:t\" is no tensor of \"m\", which line 2 names");
  EXPECT_EQ(error("xxh64 " + hex + " m:t\nxxh64 " + hex + " m:t\n" + good),
            "tensor \"t\" occurs twice, in line 1 and 2");
}

TEST(Manifest, DifferencesNameBothValues) {
  const ModelHash expected = {
      HashKind::kXxh64, {{"a", "01"}, {"b", "02"}, {"c", "03"}}, "04"};
  const auto error = [&](const ModelHash& found) {
    const Status same = CompareHashes(expected, found);
    return same.ok() ? "no error" : same.error().message;
  };
  ModelHash found = expected;
  EXPECT_EQ(error(found), "no error");
  found.tensors[1].hex = "ff";
  EXPECT_EQ(error(found), "tensor b: xxh64 is ff, expected 02");
  found.tensors[2].name = "d";
  EXPECT_EQ(error(found),
            "tensor b: xxh64 is ff, expected 02; 2 more differences");
  found = expected;
  found.tensors.pop_back();
  EXPECT_EQ(error(found), "tensor \"c\": in the manifest, not in the file");
  found = expected;
  found.tensors.push_back({"d", "05"});
  EXPECT_EQ(error(found), "tensor d: in the file, not in the manifest");
  found = expected;
  found.whole = "ff";
  EXPECT_EQ(error(found), "all tensors: xxh64 is ff, expected 04");
  std::swap(found.tensors[0], found.tensors[1]);
  EXPECT_EQ(error(found), "no error") << "the order may differ";
}

}  // namespace
}  // namespace braid::gguf
