#include "engine/saved_state_file.h"

#include <utility>

#include "archive/reader.h"
#include "base/format.h"
#include "base/mapped_file.h"
#include "base/try.h"

namespace braid {

namespace {

Result<SavedStateFile> Read(std::span<const std::byte> bytes) {
  BRAID_ASSIGN(const archive::Reader reader, archive::Reader::Open(bytes));
  SavedStateFile file;
  file.bytes = bytes.size();
  for (const archive::Reader::Entry& entry : reader.sections()) {
    const std::string name(entry.tag.data(), entry.tag.size());
    file.sections.push_back(
        {.name = name.substr(0, name.find(' ')), .bytes = entry.bytes.size()});
  }
  BRAID_ASSIGN(const auto model, reader.Section(kModelSection));
  archive::Visitor visit_model(model);
  Visit(visit_model, file.fingerprint);
  visit_model.End("model");
  BRAID_TRY(visit_model.status());
  BRAID_ASSIGN(const auto state, reader.Section(kStateSection));
  archive::Visitor visit_state(state);
  Visit(visit_state, file.state);
  BRAID_TRY(visit_state.status());
  return file;
}

}  // namespace

Result<SavedStateFile> SavedStateFile::Open(const std::string& path) {
  BRAID_ASSIGN(const MappedFile mapped, MappedFile::Open(path));
  Result<SavedStateFile> file = Read(mapped.bytes());
  if (file.ok()) return file;
  return Error{Format("{}: {}", path, file.error().message)};
}

}  // namespace braid
