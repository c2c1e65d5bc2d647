#include "base/checksum.h"

#include <gtest/gtest.h>

#include <string_view>

namespace braid {

namespace {

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// The value for no bytes is in the specification's own tests.
TEST(Checksum, NoBytes) {
  EXPECT_EQ(ChecksumOf({}), 0x2d06800538d394c2u);
  EXPECT_EQ(Checksum().Value(), 0x2d06800538d394c2u);
}

TEST(Checksum, PiecesDoNotMatter) {
  const std::string text(1000, 'x');
  Checksum checksum;
  checksum.Add(Bytes(text).first(1));
  checksum.Add({});
  checksum.Add(Bytes(text).subspan(1));
  EXPECT_EQ(checksum.Value(), ChecksumOf(Bytes(text)));
  checksum.Reset();
  checksum.Add(Bytes("y"));
  EXPECT_EQ(checksum.Value(), ChecksumOf(Bytes("y")));
}

}  // namespace

}  // namespace braid
