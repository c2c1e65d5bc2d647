#include "tokenizer/text_table.h"

#include <gtest/gtest.h>

#include <set>

namespace braid {
namespace {

TextTable Make(const std::vector<std::string_view>& texts) {
  auto table =
      TextTable::Make(texts, std::vector<bool>(texts.size(), true), "texts");
  EXPECT_TRUE(table.ok());
  return std::move(table).value();
}

TEST(TextTableTest, FindsEveryText) {
  std::vector<std::string> texts;
  for (int i = 0; i < 5000; ++i) texts.push_back(std::to_string(i * 7919));
  const TextTable table =
      Make(std::vector<std::string_view>(texts.begin(), texts.end()));
  for (int i = 0; i < 5000; ++i) {
    EXPECT_EQ(table[i], texts[static_cast<size_t>(i)]);
    EXPECT_EQ(table.Find(texts[static_cast<size_t>(i)]), i);
  }
  EXPECT_EQ(table.Find("-1"), TextTable::kNotFound);
  EXPECT_EQ(table.Find("a text that is longer than all"), TextTable::kNotFound);
}

TEST(TextTableTest, LowestOfEqualsAndNeverEmpty) {
  const TextTable table = Make({"a", "", "b", "a", ""});
  EXPECT_EQ(table.size(), 5);
  EXPECT_EQ(table.Find("a"), 0);
  EXPECT_EQ(table[3], "a");
  EXPECT_EQ(table.Find(""), TextTable::kNotFound);
  EXPECT_EQ(Make({}).Find("a"), TextTable::kNotFound);
  EXPECT_EQ(TextTable().Find(""), TextTable::kNotFound);
}

TEST(TextTableTest, HidesWhatIsNotFindable) {
  const std::vector<std::string_view> texts = {"a", "a", "b"};
  const auto table = TextTable::Make(texts, {false, true, false}, "texts");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->Find("a"), 1);
  EXPECT_EQ(table->Find("b"), TextTable::kNotFound);
  EXPECT_EQ((*table)[2], "b");
}

TEST(TextTableTest, HashDependsOnEveryByteAndTheLength) {
  std::set<uint64_t> hashes;
  std::string text(20, '\0');
  for (size_t size = 0; size <= text.size(); ++size) {
    hashes.insert(HashText(text.substr(0, size), 1));
    for (size_t i = 0; i < size; ++i) {
      std::string changed = text.substr(0, size);
      changed[i] = 'x';
      hashes.insert(HashText(changed, 1));
    }
  }
  EXPECT_EQ(hashes.size(), 21u + 20 * 21 / 2);
}

}  // namespace
}  // namespace braid
