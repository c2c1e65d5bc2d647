#include "convert/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "convert/folder.h"
#include "convert/safetensors.h"
#include "json/json.h"

namespace braid::convert {

namespace {

constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
// More than any model has.
constexpr size_t kMaxParts = 10'000;

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// "model-00001-of-00003.safetensors" for part 0 of 3.
std::string PartName(size_t part, size_t count) {
  const auto five = [](size_t number) {
    const std::string digits = std::to_string(number);
    return std::string(5 - std::min<size_t>(digits.size(), 5), '0') + digits;
  };
  return Format("model-{}-of-{}.safetensors", five(part + 1), five(count));
}

// Parts of the set that a file of the folder belongs to; 0: none does.
size_t CountParts(const std::string& folder) {
  constexpr std::string_view kOf = "-of-";
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const size_t at = name.find(kOf);
    if (at == name.npos) continue;
    size_t count = 0;
    const char* begin = name.data() + at + kOf.size();
    std::from_chars(begin, name.data() + name.size(), count);
    if (count == 0 || count > kMaxParts) continue;
    for (size_t part = 0; part < count; ++part) {
      if (name == PartName(part, count)) return count;
    }
  }
  return 0;
}

}  // namespace

Result<Checkpoint> Checkpoint::Open(const std::string& folder) {
  Checkpoint checkpoint;
  if (Exists(Format("{}/{}", folder, kSingle))) {
    BRAID_TRY(checkpoint.Add(folder, std::string(kSingle)));
  } else if (Exists(Format("{}/{}", folder, kIndex))) {
    BRAID_TRY(checkpoint.AddIndexed(folder));
  } else if (const size_t parts = CountParts(folder); parts > 0) {
    BRAID_TRY(checkpoint.AddParts(folder, parts));
  } else {
    return MissingWeights(folder);
  }
  for (size_t i = 0; i < checkpoint.tensors_.size(); ++i) {
    const std::string& name = checkpoint.tensors_[i].name;
    if (!checkpoint.by_name_.emplace(name, i).second) {
      return Error{Format("{}: {} is in two files", folder, name)};
    }
  }
  return checkpoint;
}

Status Checkpoint::Add(const std::string& folder, const std::string& name) {
  const std::string path = Format("{}/{}", folder, name);
  BRAID_ASSIGN(MappedFile file, MappedFile::Open(path));
  Result<std::vector<SourceTensor>> tensors = ParseSafetensors(file.bytes());
  if (!tensors.ok()) {
    return Error{Format("{}: {}", path, tensors.error().message)};
  }
  for (SourceTensor& tensor : *tensors) {
    tensor.file = files_.size();
    tensors_.push_back(std::move(tensor));
  }
  files_.push_back(std::move(file));
  return {};
}

Status Checkpoint::AddIndexed(const std::string& folder) {
  const std::string path = Format("{}/{}", folder, kIndex);
  BRAID_ASSIGN(const Json index, Json::Read(path));
  const Json& map = index["weight_map"];
  if (!map.IsObject()) return Error{Format("{}: has no weight_map", path)};
  std::set<std::string> files;
  for (const auto& [tensor, file] : map.Members()) {
    const std::string* name = file.Text();
    if (name == nullptr || name->find('/') != std::string::npos) {
      return Error{
          Format("{}: {}: not the name of a file in the folder", path, tensor)};
    }
    files.insert(*name);
  }
  for (const std::string& file : files) {
    if (!Exists(Format("{}/{}", folder, file))) {
      return Error{
          Format("{}: names {}, which is not in the folder; fetch it, "
                 "all {} parts are needed",
                 path, file, files.size())};
    }
    BRAID_TRY(Add(folder, file));
  }

  std::unordered_map<std::string_view, size_t> places;
  for (const SourceTensor& tensor : tensors_) {
    places.emplace(tensor.name, tensor.file);
  }
  for (const auto& [tensor, file] : map.Members()) {
    const auto place = places.find(tensor);
    const auto expected = static_cast<size_t>(
        std::distance(files.begin(), files.find(*file.Text())));
    if (place == places.end() || place->second != expected) {
      return Error{Format("{}: {} is not in {}", path, tensor, *file.Text())};
    }
  }
  return {};
}

Status Checkpoint::AddParts(const std::string& folder, size_t count) {
  for (size_t part = 0; part < count; ++part) {
    const std::string name = PartName(part, count);
    if (!Exists(Format("{}/{}", folder, name))) {
      return Error{
          Format("{}: has parts of a set of {}, but not {}; fetch it, "
                 "all are needed",
                 folder, count, name)};
    }
    BRAID_TRY(Add(folder, name));
  }
  return {};
}

const SourceTensor* Checkpoint::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace braid::convert
