#include "base/byte_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace braid {
namespace {

constexpr std::array<std::byte, 6> kBytes = {std::byte{0x01}, std::byte{0x02},
                                             std::byte{0x03}, std::byte{0x84},
                                             std::byte{0xFF}, std::byte{0xFE}};

TEST(ByteReader, ReadsLittleEndianAtAnyAlignment) {
  ByteReader reader(kBytes);
  EXPECT_EQ(*reader.Read<uint8_t>(), 0x01);
  EXPECT_EQ(*reader.Read<uint16_t>(), 0x0302);
  EXPECT_EQ(*reader.Read<int8_t>(), -124);
  EXPECT_EQ(*reader.Read<int16_t>(), -257);
  EXPECT_EQ(reader.position(), 6u);
  EXPECT_EQ(reader.left(), 0u);
}

TEST(ByteReader, FailedReadMovesNothingAndSaysWhatIsLeft) {
  ByteReader reader(kBytes);
  ASSERT_TRUE(reader.Read<uint32_t>().ok());
  const auto number = reader.Read<double>();
  ASSERT_FALSE(number.ok());
  EXPECT_EQ(number.error().message, "8 bytes needed at byte 4, 2 left");
  EXPECT_EQ(reader.left(), 2u);
  EXPECT_EQ(*reader.Read<uint16_t>(), 0xFEFF);
}

TEST(ByteReader, BytesAreNotCopied) {
  ByteReader reader(kBytes);
  const auto bytes = reader.ReadBytes(4);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->data(), kBytes.data());
  EXPECT_EQ(bytes->size(), 4u);
  EXPECT_EQ(reader.ReadBytes(3).error().message,
            "3 bytes needed at byte 4, 2 left");
  EXPECT_FALSE(reader.ReadBytes(std::numeric_limits<uint64_t>::max()).ok());
  EXPECT_TRUE(reader.ReadBytes(2).ok());
  EXPECT_TRUE(reader.ReadBytes(0).ok());
}

TEST(ByteReader, NothingIsAllRight) {
  ByteReader reader({});
  EXPECT_TRUE(reader.ReadBytes(0).ok());
  EXPECT_EQ(reader.Read<uint8_t>().error().message,
            "1 bytes needed at byte 0, 0 left");
}

}  // namespace
}  // namespace braid
