// Every key of the zoo's folders, and every key that transformers knows of
// their classes, is given another value: the file that is written differs, or
// the folder is refused, or a table says that the key changes nothing.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/format.h"
#include "convert/config_keys.h"
#include "convert/conversion.h"
#include "convert/families.h"
#include "gguf/value.h"

namespace braid::convert {

namespace {

namespace fs = std::filesystem;

// Keys that change nothing beside what else these folders say.
struct Exception {
  std::string_view folder;
  std::string_view key;
};
constexpr Exception kWithoutEffectHere[] = {
    // topk_method is greedy.
    {"deepseek2", "n_group"},
    {"deepseek2", "topk_group"},
    {"deepseek2-lite", "n_group"},
    {"deepseek2-lite", "topk_group"},
    // Of five layers the third attends either way.
    {"jamba", "attn_layer_period"},
    // Another value than the usual one, and what the folder is.
    {"t5-encoder", "is_gated_act"},
    {"t5-gated", "is_gated_act"},
    {"t5-gated", "scale_decoder_outputs"},
    // intermediate_size is there.
    {"rwkv7", "hidden_ratio"},
};

std::string JsonText(const Json& value) {
  if (value.IsNull()) return "null";
  if (const auto flag = value.Bool()) return *flag ? "true" : "false";
  if (const auto number = value.Int()) return Format("{}", *number);
  if (const auto number = value.Number()) return Format("{}", *number);
  if (value.Text() != nullptr) return Format("\"{}\"", *value.Text());
  std::string text;
  const auto add = [&text](const std::string& item) {
    text += Format("{}{}", text.empty() ? "" : ", ", item);
  };
  for (const Json& element : value.Elements()) add(JsonText(element));
  for (const auto& [name, member] : value.Members()) {
    add(Format("\"{}\": {}", name, JsonText(member)));
  }
  return value.IsArray() ? Format("[{}]", text) : Format("{{}}", text);
}

// Another value of the same kind.
Json Changed(const Json& value) {
  if (value.IsNull()) return Json(int64_t{7});
  if (const auto flag = value.Bool()) return Json(!*flag);
  if (const auto number = value.Int()) return Json(2 * *number + 1);
  if (const auto number = value.Number()) return Json(1.5 * *number + 0.25);
  if (value.Text() != nullptr) return Json(*value.Text() + "_odd");
  if (value.IsArray()) {
    std::vector<Json> elements(value.Elements().begin(),
                               value.Elements().end());
    if (elements.empty()) elements.emplace_back(int64_t{7});
    elements.front() = Changed(elements.front());
    return Json(std::move(elements));
  }
  std::vector<Json::Member> members(value.Members().begin(),
                                    value.Members().end());
  members.emplace_back("odd", Json(int64_t{7}));
  return Json(std::move(members));
}

// `root` with another value at `path`, which is one name or two.
Json WithChanged(const Json& root, const std::string& path, const Json& usual) {
  const size_t dot = path.find('.');
  const std::string name = path.substr(0, dot);
  std::vector<Json::Member> members(root.Members().begin(),
                                    root.Members().end());
  for (auto& [member, value] : members) {
    if (member != name) continue;
    value = dot == path.npos ? Changed(value)
                             : WithChanged(value, path.substr(dot + 1), usual);
    return Json(std::move(members));
  }
  members.emplace_back(name, Changed(usual));
  return Json(std::move(members));
}

// What a conversion writes: keys, names and shapes, then the bytes.
std::string Written(const Conversion& conversion, const fs::path& path) {
  const Status written = conversion.Write(
      path, 1, [](const gguf::TensorInfo&, uint64_t, uint64_t) {});
  if (!written.ok()) return written.error().message;
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

class ConfigMutation : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const fs::path zoo = fs::path(BRAID_SOURCE_DIR) / "tests/golden/zoo";
    folder_ = fs::path(testing::TempDir()) /
              Format("mutation_{}.{}", GetParam(), getpid());
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    for (const auto& entry : fs::directory_iterator(zoo / GetParam())) {
      if (entry.path().filename() == "config.json") continue;
      fs::create_symlink(fs::absolute(entry.path()),
                         folder_ / entry.path().filename());
    }
    auto config = Json::Read(zoo / GetParam() / "config.json");
    ASSERT_TRUE(config.ok());
    config_ = std::move(*config);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What the folder with this config becomes; the error if it is refused.
  std::string Convert(const Json& config, bool& refused) const {
    std::ofstream(folder_ / "config.json") << JsonText(config);
    const auto conversion = Conversion::Plan(folder_, {});
    refused = !conversion.ok();
    if (refused) return conversion.error().message;
    return Written(*conversion, folder_ / "out.gguf");
  }

  fs::path folder_;
  Json config_;
};

TEST_P(ConfigMutation, NoKeyIsDroppedInSilence) {
  std::map<std::string, Json> keys;
  for (const auto& [name, value] : config_.Members()) {
    keys.emplace(name, value);
    for (const auto& [inner, below] : value.Members()) {
      keys.emplace(Format("{}.{}", name, inner), below);
    }
  }
  const HfConfig read(config_);
  const auto family = FindFamily(read);
  ASSERT_TRUE(family.ok());
  const auto table = Json::Read(std::string(BRAID_SOURCE_DIR) +
                                "/tests/data/config_keys.json");
  ASSERT_TRUE(table.ok());
  for (const auto& [name, usual] :
       (*table)["configs"][read.Architecture()].Members()) {
    if (!usual.IsObject()) keys.emplace(name, usual);
  }
  bool refused = false;
  const std::string plain = Convert(config_, refused);
  ASSERT_FALSE(refused) << plain;
  int refusals = 0;
  int differ = 0;
  for (const auto& [name, value] : keys) {
    const std::string& key = name;  // bindings cannot be captured by clang 14
    const std::string text = Convert(WithChanged(config_, key, value), refused);
    const bool expected =
        refused || text != plain ||
        FindSilent((*family)->architecture, key) != nullptr ||
        std::ranges::any_of(kWithoutEffectHere, [&key](const Exception& other) {
          return other.folder == GetParam() && other.key == key;
        });
    EXPECT_TRUE(expected) << key << " = " << ValueText(Changed(value));
    refusals += refused ? 1 : 0;
    differ += !refused && text != plain ? 1 : 0;
  }
  const auto all = static_cast<int>(keys.size());
  EXPECT_GT(refusals + differ, all / 4);
  RecordProperty("keys", all);
  RecordProperty("refused", refusals);
  RecordProperty("another_file", differ);
}

TEST_P(ConfigMutation, TheVocabularyNeedsNoWeights) {
  std::ofstream(folder_ / "config.json") << JsonText(config_);
  const auto conversion = Conversion::Plan(folder_, {.vocabulary_only = true});
  EXPECT_TRUE(conversion.ok()) << conversion.error().message;
}

std::vector<std::string> ZooFolders() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(BRAID_SOURCE_DIR) /
                                                  "tests/golden/zoo")) {
    if (fs::exists(entry.path() / "config.json")) {
      names.push_back(entry.path().filename());
    }
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Zoo, ConfigMutation, testing::ValuesIn(ZooFolders()),
                         [](const auto& folder) {
                           std::string name = folder.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace

}  // namespace braid::convert
