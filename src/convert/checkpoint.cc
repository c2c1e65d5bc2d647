#include "convert/checkpoint.h"

#include <filesystem>
#include <set>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "convert/safetensors.h"
#include "json/json.h"

namespace braid::convert {

namespace {

constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

Result<Checkpoint> Checkpoint::Open(const std::string& folder) {
  Checkpoint checkpoint;
  if (Exists(Format("{}/{}", folder, kSingle))) {
    BRAID_TRY(checkpoint.Add(folder, std::string(kSingle)));
  } else if (Exists(Format("{}/{}", folder, kIndex))) {
    BRAID_TRY(checkpoint.AddIndexed(folder));
  } else {
    return Error{
        Format("{}: has neither {} nor {}; weights in another format "
               "must be saved as safetensors first",
               folder, kSingle, kIndex)};
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
  for (const std::string& file : files) BRAID_TRY(Add(folder, file));

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

const SourceTensor* Checkpoint::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace braid::convert
