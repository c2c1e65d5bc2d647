#include "apps/braid/choice_tasks.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <utility>

#include "apps/braid/text.h"
#include "base/byte_reader.h"
#include "base/format.h"
#include "base/try.h"
#include "json/json.h"

namespace braid::cli {

namespace {

Result<int> ParseIndex(std::string_view text, int count) {
  int value = 0;
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole =
      parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  if (whole && value >= 0 && value < count) return value;
  return Error{Format("'{}' is no number in [0, {}]", text, count - 1)};
}

// Fields between commas; one that starts with a quote ends with one, and a
// doubled quote in it is one.
std::vector<std::string> CsvFields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    std::string& field = fields.back();
    if (quoted) {
      if (line[i] != '"') {
        field += line[i];
      } else if (i + 1 < line.size() && line[i + 1] == '"') {
        field += line[i++];
      } else {
        quoted = false;
      }
    } else if (line[i] == '"' && field.empty()) {
      quoted = true;
    } else if (line[i] == ',') {
      fields.emplace_back();
    } else {
      field += line[i];
    }
  }
  return fields;
}

Result<ChoiceTask> WinograndeOfCsv(std::string_view line) {
  constexpr size_t kFields = 5;
  const std::vector<std::string> fields = CsvFields(line);
  if (fields.size() != kFields) {
    return Error{
        Format("{}, expected {}: index,sentence,choice 1,choice 2,answer",
               Counted(static_cast<int64_t>(fields.size()), "field"), kFields)};
  }
  const std::string& sentence = fields[1];
  const size_t gap = sentence.find('_');
  if (gap == std::string::npos) return Error{"the sentence has no gap '_'"};
  if (fields[4] != "1" && fields[4] != "2") {
    return Error{Format("the answer is '{}', expected 1 or 2", fields[4])};
  }
  ChoiceTask task;
  for (size_t i = 0; i < 2; ++i) {
    const std::string start = sentence.substr(0, gap) + fields[2 + i];
    task.choices.push_back({.text = start + sentence.substr(gap + 1),
                            .start = start,
                            .right = (fields[4] == "1") == (i == 0)});
  }
  return task;
}

Result<ChoiceTask> WinograndeOfJson(std::string_view line) {
  BRAID_ASSIGN(const Json object, Json::Parse(line));
  const std::optional<int64_t> gold = object["gold"].Int();
  const auto starts = object["context_options"].Elements();
  const std::string* const rest = object["continuation"].Text();
  if (starts.size() != 2 || starts[0].Text() == nullptr ||
      starts[1].Text() == nullptr || rest == nullptr || !gold || *gold < 0 ||
      *gold > 1) {
    return Error{
        "expected two texts as context_options, a continuation, and gold 0 or "
        "1"};
  }
  ChoiceTask task;
  for (size_t i = 0; i < 2; ++i) {
    const std::string& start = *starts[i].Text();
    task.choices.push_back({.text = Format("{} {}", start, *rest),
                            .start = start,
                            .right = static_cast<int64_t>(i) == *gold});
  }
  return task;
}

}  // namespace

Result<std::vector<ChoiceTask>> ParseHellaSwag(std::string_view text) {
  constexpr size_t kLines = 6;
  constexpr int kEndings = 4;
  const std::vector<NumberedLine> lines = SplitNumberedLines(text);
  if (lines.empty() || lines.size() % kLines != 0) {
    return Error{Format(
        "{} not empty, expected {} for every task: context, number of the "
        "right ending, four endings",
        lines.size() == 1 ? std::string("1 line is")
                          : Format("{} lines are", lines.size()),
        kLines)};
  }
  std::vector<ChoiceTask> tasks(lines.size() / kLines);
  for (size_t t = 0; t < tasks.size(); ++t) {
    const NumberedLine* line = &lines[t * kLines];
    const auto gold = ParseIndex(line[1].text, kEndings);
    if (!gold.ok()) {
      return Error{Format("line {}: {}", line[1].number, gold.error().message)};
    }
    for (int i = 0; i < kEndings; ++i) {
      tasks[t].choices.push_back(
          {.text = Format("{} {}", line[0].text, line[2 + i].text),
           .start = "",
           .right = i == *gold});
    }
  }
  return tasks;
}

Result<std::vector<ChoiceTask>> ParseWinogrande(std::string_view text) {
  std::vector<ChoiceTask> tasks;
  for (const auto& [number, line] : SplitNumberedLines(text)) {
    auto task =
        line.front() == '{' ? WinograndeOfJson(line) : WinograndeOfCsv(line);
    if (!task.ok()) {
      return Error{Format("line {}: {}", number, task.error().message)};
    }
    tasks.push_back(std::move(*task));
  }
  if (tasks.empty()) return Error{"the file has no tasks"};
  return tasks;
}

namespace {

Result<std::string> ReadString(ByteReader& reader) {
  BRAID_ASSIGN(const uint32_t length, reader.Read<uint32_t>());
  BRAID_ASSIGN(const auto bytes, reader.ReadBytes(length));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Each answer is kept with its question, which the file has once.
constexpr uint32_t kMostAnswers = 64;

Result<std::vector<Choice>> ReadAnswers(ByteReader& reader,
                                        const std::string& question) {
  BRAID_ASSIGN(const uint32_t count, reader.Read<uint32_t>());
  if (count < 2 || count > kMostAnswers) {
    return Error{
        Format("{} answers, expected from 2 to {}", count, kMostAnswers)};
  }
  std::vector<Choice> choices;
  for (uint32_t i = 0; i < count; ++i) {
    BRAID_ASSIGN(const std::string answer, ReadString(reader));
    choices.push_back({.text = Format("{} {}", question, answer), .start = ""});
  }
  for (Choice& choice : choices) {
    BRAID_ASSIGN(const int32_t label, reader.Read<int32_t>());
    choice.right = label != 0;
  }
  return choices;
}

Result<ChoiceTask> ReadTask(ByteReader& reader) {
  ChoiceTask task;
  BRAID_ASSIGN(const std::string question, ReadString(reader));
  BRAID_ASSIGN(task.choices, ReadAnswers(reader, question));
  return task;
}

}  // namespace

Result<std::vector<ChoiceTask>> ParseMultipleChoice(std::string_view bytes) {
  const std::span<const std::byte> data(
      reinterpret_cast<const std::byte*>(bytes.data()), bytes.size());
  ByteReader reader(data);
  BRAID_ASSIGN(const uint32_t count, reader.Read<uint32_t>());
  BRAID_ASSIGN(const auto offsets,
               reader.ReadBytes(uint64_t{count} * sizeof(uint32_t)));
  const std::span<const std::byte> body =
      data.subspan(sizeof(uint32_t) + offsets.size());
  ByteReader positions(offsets);
  std::vector<ChoiceTask> tasks;
  // Tasks follow one another, so that they cannot be more than the file.
  size_t end = 0;
  for (uint32_t i = 0; i < count; ++i) {
    BRAID_ASSIGN(const uint32_t offset, positions.Read<uint32_t>());
    if (offset < end || offset > body.size()) {
      return Error{Format("task {}: begins at {}, expected from {} to {}", i,
                          offset, end, body.size())};
    }
    ByteReader at(body.subspan(offset));
    auto task = ReadTask(at);
    if (!task.ok()) {
      return Error{Format("task {}: {}", i, task.error().message)};
    }
    end = offset + at.position();
    tasks.push_back(std::move(*task));
  }
  if (tasks.empty()) return Error{"the file has no tasks"};
  return tasks;
}

std::vector<ChoiceTask> SelectTasks(std::vector<ChoiceTask> tasks,
                                    size_t count) {
  if (tasks.size() <= count) return tasks;
  std::mt19937 random(1);
  std::vector<ChoiceTask> selected;
  while (selected.size() < count) {
    std::uniform_int_distribution<size_t> which(0, tasks.size() - 1);
    const auto task =
        tasks.begin() + static_cast<std::ptrdiff_t>(which(random));
    selected.push_back(std::move(*task));
    tasks.erase(task);
  }
  return selected;
}

std::vector<ChoiceTask> SelectWinogrande(std::vector<ChoiceTask> tasks,
                                         size_t count) {
  if (tasks.size() <= count) return tasks;
  std::mt19937 random(1);
  std::vector<ChoiceTask> selected;
  while (selected.size() < count) {
    const float share = static_cast<float>(random()) / 4294967296.0f;
    const size_t which =
        std::min(static_cast<size_t>(share * static_cast<float>(tasks.size())),
                 tasks.size() - 1);
    selected.push_back(std::move(tasks[which]));
    tasks[which] = std::move(tasks.back());
    tasks.pop_back();
  }
  return selected;
}

}  // namespace braid::cli
