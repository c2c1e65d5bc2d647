#include "base/hasher.h"

#include <gtest/gtest.h>

#include <string>

namespace braid {
namespace {

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string HashOf(HashKind kind, std::string_view text) {
  Hasher hasher(kind);
  hasher.Add(AsBytes(text));
  return hasher.Finish();
}

// FIPS 180-2, appendix B; the specification of XXH64 and its `xxhsum`.
TEST(Hasher, KnownAnswers) {
  EXPECT_EQ(HashOf(HashKind::kSha256, ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HashOf(HashKind::kSha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashOf(HashKind::kXxh64, ""), "ef46db3751d8e999");
  EXPECT_EQ(HashOf(HashKind::kXxh64, "abc"), "44bc2cf5ad770999");
}

TEST(Hasher, PiecesDoNotShow) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 7);
  for (const HashKind kind : {HashKind::kXxh64, HashKind::kSha256}) {
    const std::string whole = HashOf(kind, text);
    EXPECT_EQ(whole.size(), HexDigits(kind));
    for (const size_t piece : {1u, 31u, 64u, 333u}) {
      Hasher hasher(kind);
      for (size_t done = 0; done < text.size(); done += piece) {
        hasher.Add(AsBytes(std::string_view(text).substr(done, piece)));
      }
      EXPECT_EQ(hasher.Finish(), whole);
    }
  }
}

TEST(Hasher, Names) {
  for (const HashKind kind : {HashKind::kXxh64, HashKind::kSha256}) {
    EXPECT_EQ(FindHashKind(Name(kind)), kind);
  }
  EXPECT_EQ(FindHashKind("md5"), std::nullopt);
}

}  // namespace
}  // namespace braid
