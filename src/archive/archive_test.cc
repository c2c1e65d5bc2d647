// Writer, Reader and Visitor together.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "archive/reader.h"
#include "archive/visitor.h"
#include "archive/writer.h"
#include "base/checksum.h"
#include "base/mapped_file.h"

namespace braid::archive {

namespace {

enum class Colour : uint8_t { kRed, kGreen };

struct Item {
  int32_t number = 0;
  std::string text;
};

struct Thing {
  uint64_t large = 0;
  double real = 0;
  Colour colour = Colour::kRed;
  bool flag = false;
  std::vector<float> values;
  std::vector<Item> items;
};

void Visit(Visitor& visitor, Thing& thing) {
  visitor.Number("large", thing.large);
  visitor.Number("real", thing.real);
  visitor.Number("colour", thing.colour);
  visitor.Flag("flag", thing.flag);
  visitor.Array("values", thing.values);
  visitor.List("items", thing.items, [&](Item& item) {
    visitor.Number("number", item.number);
    visitor.Text("text", item.text);
  });
  visitor.End("thing");
}

Thing Example() {
  return {.large = uint64_t{1} << 60,
          .real = -0.1,
          .colour = Colour::kGreen,
          .flag = true,
          .values = {1, 2, 3.5f},
          .items = {{-7, "seven"}, {8, ""}}};
}

constexpr Tag kThing = MakeTag("thing");
constexpr Tag kBulk = MakeTag("bulk");

void WriteExample(Writer& writer) {
  Thing thing = Example();
  writer.BeginSection(kThing);
  Visitor visitor(writer);
  Visit(visitor, thing);
  writer.BeginSection(kBulk);
  const std::vector<std::byte> bulk(70'000, std::byte{9});
  for (int i = 0; i < 10; ++i) writer.Write(bulk);
}

std::vector<std::byte> ExampleBytes() {
  std::vector<std::byte> bytes;
  Writer writer = Writer::ToMemory(bytes);
  WriteExample(writer);
  EXPECT_TRUE(writer.Finish().ok());
  return bytes;
}

// A section of one number each, of what a Thing's items would be.
std::vector<std::byte> Section(std::span<const uint64_t> numbers) {
  std::vector<std::byte> bytes(numbers.size_bytes());
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

TEST(Archive, WhatIsWrittenIsRead) {
  const std::vector<std::byte> bytes = ExampleBytes();
  const auto reader = Reader::Open(bytes);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  ASSERT_EQ(reader->sections().size(), 2u);
  const auto section = reader->Section(kThing);
  ASSERT_TRUE(section.ok());
  Thing thing;
  Visitor visitor(*section);
  Visit(visitor, thing);
  ASSERT_TRUE(visitor.ok()) << visitor.status().error().message;
  const Thing expected = Example();
  EXPECT_EQ(thing.large, expected.large);
  EXPECT_EQ(thing.real, expected.real);
  EXPECT_EQ(thing.colour, expected.colour);
  EXPECT_TRUE(thing.flag);
  EXPECT_EQ(thing.values, expected.values);
  ASSERT_EQ(thing.items.size(), 2u);
  EXPECT_EQ(thing.items[0].number, -7);
  EXPECT_EQ(thing.items[0].text, "seven");
  EXPECT_EQ(reader->Section(kBulk)->size(), 700'000u);
  EXPECT_EQ(reader->Section(MakeTag("other")).error().message,
            "the saved state has 0 sections other, expected 1");
}

TEST(Archive, AFileIsPrivateAndHasTheSameBytes) {
  const std::string path = testing::TempDir() + "braid_archive_" +
                           std::to_string(getpid()) + ".state";
  {
    auto writer = Writer::ToFile(path);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    WriteExample(*writer);
    EXPECT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE(writer->Finish().ok());
  }
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(std::ranges::equal(file->bytes(), ExampleBytes()));
  EXPECT_FALSE(std::filesystem::exists(path + ".tmp0"));
  std::filesystem::remove(path);
}

TEST(Archive, WithoutFinishNothingIsLeft) {
  const std::string path = testing::TempDir() + "braid_archive_left_" +
                           std::to_string(getpid()) + ".state";
  {
    auto writer = Writer::ToFile(path);
    ASSERT_TRUE(writer.ok());
    WriteExample(*writer);
    EXPECT_TRUE(std::filesystem::exists(path + ".tmp0"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::exists(path + ".tmp0"));
  const auto nowhere = Writer::ToFile("/nonexistent/state");
  ASSERT_FALSE(nowhere.ok());
  EXPECT_TRUE(nowhere.error().message.starts_with("/nonexistent/state"));
}

TEST(Archive, EveryByteCounts) {
  std::vector<std::byte> bytes;
  Writer writer = Writer::ToMemory(bytes);
  Thing thing = Example();
  writer.BeginSection(kThing);
  Visitor visitor(writer);
  Visit(visitor, thing);
  ASSERT_TRUE(writer.Finish().ok());
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::vector<std::byte> damaged = bytes;
      damaged[i] ^= std::byte{1} << bit;
      EXPECT_FALSE(Reader::Open(damaged).ok()) << "byte " << i;
    }
    EXPECT_FALSE(Reader::Open(std::span(bytes).first(i)).ok()) << i << " bytes";
  }
  std::vector<std::byte> longer = bytes;
  longer.push_back({});
  EXPECT_FALSE(Reader::Open(longer).ok());
}

TEST(Archive, AnotherVersionIsNamed) {
  std::vector<std::byte> bytes = ExampleBytes();
  bytes[kMagic.size()] = std::byte{9};
  EXPECT_EQ(Reader::Open(bytes).error().message,
            "the saved state has format version 9, this program reads version "
            "1");
  bytes[0] = std::byte{'x'};
  EXPECT_EQ(Reader::Open(bytes).error().message,
            "not a saved state: it does not begin with BRAIDSAV");
}

TEST(Visitor, LengthsAreCheckedBeforeAnythingIsAllocated) {
  const uint64_t numbers[] = {uint64_t{1} << 62, 0, 0};
  const std::vector<std::byte> section = Section(numbers);
  {
    Visitor visitor(section);
    std::vector<float> values;
    visitor.Array("values", values);
    EXPECT_EQ(visitor.status().error().message,
              "values: 4611686018427387904 items, 16 bytes are left");
  }
  {
    Visitor visitor(section);
    std::vector<Item> items;
    visitor.List("items", items, [](Item&) {});
    EXPECT_FALSE(visitor.ok());
    EXPECT_TRUE(items.empty());
  }
}

TEST(Visitor, TheFirstErrorStaysAndStopsReading) {
  const uint64_t numbers[] = {2, 5};
  const std::vector<std::byte> section = Section(numbers);
  Visitor visitor(section);
  bool flag = true;
  visitor.Flag("flag", flag);
  EXPECT_TRUE(flag);
  EXPECT_EQ(visitor.status().error().message, "flag: 2 is not 0 or 1");
  const size_t left = visitor.left();
  uint64_t number = 77;
  visitor.Number("number", number);
  EXPECT_EQ(number, 77u);
  EXPECT_EQ(visitor.left(), left);
  visitor.Fail(Error{"another"});
  visitor.End("numbers");
  EXPECT_EQ(visitor.status().error().message, "flag: 2 is not 0 or 1");
}

TEST(Visitor, BytesThatAreLeftAreAnError) {
  const uint64_t numbers[] = {2, 5};
  const std::vector<std::byte> section = Section(numbers);
  Visitor visitor(section);
  uint64_t number = 0;
  visitor.Number("number", number);
  visitor.End("numbers");
  EXPECT_EQ(visitor.status().error().message,
            "section numbers: 8 bytes are left at its end");
}

// What no checksum finds: a directory that was written wrongly.
TEST(Archive, ADirectoryMustFitItsSections) {
  const auto with = [](uint64_t first_bytes, uint64_t sections) {
    std::vector<std::byte> bytes = ExampleBytes();
    std::byte* footer = bytes.data() + bytes.size() - kFooterBytes;
    std::byte* directory = footer - 2 * sizeof(DirectoryEntry);
    std::memcpy(directory + 8, &first_bytes, 8);
    std::memcpy(footer, &sections, 8);
    const size_t claimed = static_cast<size_t>(sections);
    if (claimed <= 3) {
      const std::byte* begin = footer - claimed * sizeof(DirectoryEntry);
      Checksum checksum;
      checksum.Add(std::span(bytes).first(kHeaderBytes));
      checksum.Add({begin, footer + 16});
      const uint64_t value = checksum.Value();
      std::memcpy(footer + 16, &value, 8);
    }
    const auto reader = Reader::Open(bytes);
    EXPECT_FALSE(reader.ok());
    return reader.ok() ? "" : reader.error().message;
  };
  EXPECT_TRUE(with(uint64_t{1} << 63, 2).ends_with("are left"));
  EXPECT_TRUE(with(1, 2).starts_with("the saved state is damaged: section"));
  EXPECT_TRUE(
      with(1, uint64_t{1} << 60)
          .starts_with(
              "the saved state says that it has 1152921504606846976 sections"));
  EXPECT_TRUE(with(1, 0).ends_with("belong to no section"));
}

}  // namespace

}  // namespace braid::archive
