#include "apps/braid/choice_tasks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace braid::cli {
namespace {

constexpr const char* kHellaSwag = "A man walks.\n2\nHe\nShe runs.\nIt\nThey\n";

TEST(HellaSwagTest, SixLinesAreATask) {
  const auto tasks = ParseHellaSwag(kHellaSwag);
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 1u);
  const auto& choices = tasks->front().choices;
  ASSERT_EQ(choices.size(), 4u);
  EXPECT_EQ(choices[1].text, "A man walks. She runs.");
  EXPECT_TRUE(choices[2].right);
  EXPECT_FALSE(choices[1].right);
}

TEST(HellaSwagTest, DamageIsNamed) {
  EXPECT_EQ(ParseHellaSwag("a\nb\n").error().message,
            "2 lines are not empty, expected 6 for every task: context, number "
            "of the right ending, four endings");
  EXPECT_EQ(ParseHellaSwag("a\n4\nb\nc\nd\ne\n").error().message,
            "line 2: '4' is no number in [0, 3]");
  EXPECT_EQ(ParseHellaSwag("a\n0\nb\nc\nd\ne\n\n\r\na\n4\nb\nc\nd\ne\n")
                .error()
                .message,
            "line 10: '4' is no number in [0, 3]");
  EXPECT_FALSE(ParseHellaSwag("").ok());
}

TEST(WinograndeTest, BothForms) {
  const auto tasks = ParseWinogrande(
      "0,\"Ann, who met Eve, said _ was \"\"late\"\".\",Ann,Eve,2\n"
      "{\"context_options\": [\"So Ann\", \"So Eve\"], \"continuation\": "
      "\"left.\", \"gold\": 0}\n");
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 2u);
  const auto& csv = tasks->front().choices;
  EXPECT_EQ(csv[1].text, "Ann, who met Eve, said Eve was \"late\".");
  EXPECT_EQ(csv[1].start, "Ann, who met Eve, said Eve");
  EXPECT_TRUE(csv[1].right);
  EXPECT_FALSE(csv[0].right);
  const auto& json = tasks->back().choices;
  EXPECT_EQ(json[0].text, "So Ann left.");
  EXPECT_TRUE(json[0].right);
}

TEST(WinograndeTest, DamageIsNamed) {
  for (const char* line :
       {"1,two", "0,no gap,a,b,1", "0,a _ gap,a,b,3", "{", "{\"gold\": 1}",
        "{\"context_options\": [\"a\", 1], \"continuation\": \"\", "
        "\"gold\": 0}"}) {
    const auto tasks = ParseWinogrande(line);
    ASSERT_FALSE(tasks.ok()) << line;
    EXPECT_EQ(tasks.error().message.substr(0, 7), "line 1:");
  }
  EXPECT_EQ(ParseWinogrande("\n0,a _ gap,a,b,1\n\n\n1,two\n").error().message,
            "line 5: 2 fields, expected 5: index,sentence,choice 1,choice "
            "2,answer");
  EXPECT_FALSE(ParseWinogrande("\n").ok());
}

std::string Number(uint32_t value) {
  std::string bytes(sizeof(value), 0);
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

std::string Counted(const std::string& text) {
  return Number(static_cast<uint32_t>(text.size())) + text;
}

std::string Task(const std::string& question, uint32_t answers = 2) {
  return Counted(question) + Number(answers) + Counted("yes") + Counted("no") +
         Number(0) + Number(1) + Number(0);
}

TEST(MultipleChoiceTest, TasksWithLabels) {
  const std::string first = Task("Is it?");
  const std::string bytes = Number(2) + Number(0) +
                            Number(static_cast<uint32_t>(first.size())) +
                            first + Task("Was it?");
  const auto tasks = ParseMultipleChoice(bytes);
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 2u);
  EXPECT_EQ(tasks->back().choices[1].text, "Was it? no");
  EXPECT_TRUE(tasks->back().choices[1].right);
  EXPECT_FALSE(tasks->back().choices[0].right);
}

TEST(MultipleChoiceTest, EveryTruncationIsRefused) {
  const std::string task = Task("Is it?");
  const std::string bytes = Number(1) + Number(0) + task;
  // The last list is not read.
  for (size_t length = 0; length < bytes.size() - 4; ++length) {
    EXPECT_FALSE(ParseMultipleChoice(bytes.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(ParseMultipleChoice(Number(~0u) + task).ok());
  for (const uint32_t answers : {1u, 65u, ~0u}) {
    const auto tasks =
        ParseMultipleChoice(Number(1) + Number(0) + Task("Is it?", answers));
    ASSERT_FALSE(tasks.ok());
    EXPECT_NE(tasks.error().message.find("answers, expected from 2 to 64"),
              std::string::npos);
  }
  // The same task twice.
  EXPECT_FALSE(
      ParseMultipleChoice(Number(2) + Number(0) + Number(0) + task).ok());
}

TEST(SelectTest, TakesEveryTaskAtMostOnce) {
  std::vector<ChoiceTask> tasks;
  for (int i = 0; i < 50; ++i) {
    tasks.push_back({.choices = {{.text = std::to_string(i), .start = ""}}});
  }
  for (const auto select : {&SelectTasks, &SelectWinogrande}) {
    std::set<std::string> seen;
    for (const ChoiceTask& task : select(tasks, 20)) {
      seen.insert(task.choices.front().text);
    }
    EXPECT_EQ(seen.size(), 20u);
    EXPECT_EQ(select(tasks, 50).size(), 50u);
    EXPECT_EQ(select(tasks, 60)[7].choices.front().text, "7");
  }
}

}  // namespace
}  // namespace braid::cli
