// libFuzzer target: bytes as the files that braid perplexity reads: tasks with
// answers, and what a model said of a text.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "apps/braid/choice_tasks.h"
#include "apps/braid/logits_file.h"
#include "base/check.h"

namespace braid::cli {
namespace {

void CheckTasks(const Result<std::vector<ChoiceTask>>& tasks) {
  if (!tasks.ok()) {
    BRAID_CHECK(!tasks.error().message.empty());
    return;
  }
  BRAID_CHECK(!tasks->empty());
  for (const ChoiceTask& task : *tasks) BRAID_CHECK(task.choices.size() >= 2);
}

void ReadRows(std::span<const std::byte> bytes) {
  const auto reader = LogitsReader::Parse(bytes);
  if (!reader.ok()) return;
  const LogitsHeader& header = reader->header();
  BRAID_CHECK(std::ssize(header.tokens) ==
              int64_t{header.chunks} * header.context);
  std::vector<float> row(static_cast<size_t>(header.vocabulary));
  const int64_t rows = int64_t{header.chunks} * header.scored();
  for (int64_t i = 0; i < rows; ++i) {
    if (!reader->Row(i, row).ok()) return;
    for (const float value : row) BRAID_CHECK(!std::isnan(value));
  }
}

}  // namespace
}  // namespace braid::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data, size).subspan(1));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              bytes.size());
  switch (data[0] % 4) {
    case 0:
      braid::cli::CheckTasks(braid::cli::ParseHellaSwag(text));
      break;
    case 1:
      braid::cli::CheckTasks(braid::cli::ParseWinogrande(text));
      break;
    case 2:
      braid::cli::CheckTasks(braid::cli::ParseMultipleChoice(text));
      break;
    default:
      braid::cli::ReadRows(bytes);
  }
  return 0;
}
