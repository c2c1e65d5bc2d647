// Which tensor of which model becomes what: a table of every architecture of
// the zoo, in data/quantize_plans.txt, whose head says how it is read.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "gguf/file.h"
#include "quantize/plan.h"
#include "quantize/tensor_site.h"
#include "tests/golden/zoo.h"

namespace braid::quantize {
namespace {

namespace fs = std::filesystem;

constexpr size_t kWidth = 14;  // of a column
constexpr FileType kTypes[] = {FileType::kQ4_K_M, FileType::kQ3_K_M,
                               FileType::kQ2_K, FileType::kQ5_K_S,
                               FileType::kIQ4_XS};

// Left-aligned.
std::string Column(std::string text, size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

// "Q6_K", "Q6_K>Q8_0" where the width asks for another, "-" as it is.
std::string Outcome(const PlannedTensor& tensor) {
  if (tensor.copied) return "-";
  const std::string becomes(Name(tensor.type));
  if (!tensor.too_wide) return becomes;
  return std::string(Name(*tensor.too_wide)) + ">" + becomes;
}

// "blk.#.ffn_up.weight": the name with # for the layer.
std::string Pattern(const std::string& name) {
  const int layer = FindSite(name).layer;
  if (layer < 0) return name;
  const std::string part = Format("blk.{}.", layer);
  std::string pattern = name;
  return pattern.replace(pattern.find(part), part.size(), "blk.#.");
}

// "jamba, layers 5, experts 4, heads 3, key heads [0, 0, 1, 0, 0]"
Result<std::string> Title(const gguf::File& file) {
  BRAID_ASSIGN(const std::string_view architecture,
               file.GetString("general.architecture"));
  const std::string prefix = std::string(architecture) + ".";
  const auto text = [&](const std::string& key) {
    const gguf::Value* value = file.Find(prefix + key);
    return value == nullptr ? std::string("none")
                            : gguf::ValueText(*value, {.elements = 100});
  };
  return Format("{}, layers {}, experts {}, heads {}, key heads {}",
                architecture, text("block_count"), text("expert_count"),
                text("attention.head_count"), text("attention.head_count_kv"));
}

// The rows of one model: matrices, and whatever else is not left as it is.
// Layers of the same width that fare alike share a row.
Result<std::string> Table(const gguf::File& file) {
  std::vector<std::string> outcomes(file.tensors().size());
  for (const FileType type : kTypes) {
    QuantizeOptions options;
    options.type = type;
    BRAID_ASSIGN(const Plan plan, MakePlan(file, options));
    for (size_t i = 0; i < outcomes.size(); ++i) {
      outcomes[i] += Column(Outcome(plan.tensors[i]), kWidth);
    }
  }
  const std::string kept = [] {
    std::string text;
    for (size_t i = 0; i < std::size(kTypes); ++i) text += Column("-", kWidth);
    return text;
  }();
  std::vector<std::string> rows;  // in the order of the file
  std::map<std::string, std::string> layers;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const gguf::TensorInfo& tensor = file.tensors()[i];
    if (tensor.shape.size() < 2 && outcomes[i] == kept) continue;
    const std::string row = Column(Pattern(tensor.name), 36) +
                            Column(Format("{}", tensor.shape[0]), 6) +
                            outcomes[i];
    if (!layers.contains(row)) rows.push_back(row);
    const int layer = FindSite(tensor.name).layer;
    layers[row] += layer < 0 ? "" : Format(" {}", layer);
  }
  std::string table;
  for (const std::string& row : rows) table += row + layers[row] + "\n";
  return table;
}

// The section of a model, without spaces at the ends of lines.
Result<std::string> Section(const std::string& name, const std::string& gguf) {
  BRAID_TRY(zoo::Convert(zoo::Folder(name), gguf));
  BRAID_ASSIGN(const gguf::File file, gguf::File::Open(gguf));
  BRAID_ASSIGN(const std::string title, Title(file));
  BRAID_ASSIGN(const std::string table, Table(file));
  std::istringstream lines(Format("[{}] {}\n{}", name, title, table));
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    section += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return section;
}

// Sections by the name in their brackets.
std::map<std::string, std::string> ReadSections(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, std::string> sections;
  std::string name;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("[")) name = line.substr(1, line.find(']') - 1);
    if (!name.empty() && !line.empty()) sections[name] += line + "\n";
  }
  return sections;
}

TEST(QuantizePlanTest, EveryArchitectureOfTheZoo) {
  const auto expected =
      ReadSections(BRAID_SOURCE_DIR "/tests/golden/data/quantize_plans.txt");
  const fs::path gguf =
      fs::path(testing::TempDir()) / Format("quantize_plan.{}.gguf", getpid());
  size_t models = 0;
  for (const auto& entry : fs::directory_iterator(zoo::Folder(""))) {
    if (!entry.is_directory()) continue;
    ++models;
    const std::string name = entry.path().filename();
    const auto section = Section(name, gguf);
    ASSERT_TRUE(section.ok()) << name << ": " << section.error().message;
    const auto found = expected.find(name);
    EXPECT_EQ(*section, found == expected.end() ? "" : found->second);
  }
  EXPECT_EQ(models, expected.size());
  fs::remove(gguf);
}

}  // namespace
}  // namespace braid::quantize
