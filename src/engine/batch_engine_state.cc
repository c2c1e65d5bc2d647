// BatchEngine: saving and restoring what sequences remember.
#include <utility>

#include "archive/writer.h"
#include "base/format.h"
#include "base/mapped_file.h"
#include "base/try.h"
#include "engine/batch_engine.h"
#include "engine/fingerprint.h"
#include "engine/restore.h"
#include "engine/save.h"

namespace braid {

namespace {

// Errors of files name them already.
Error Named(const std::string& path, const Error& error) {
  if (error.message.starts_with(path)) return error;
  return Error{Format("{}: {}", path, error.message)};
}

}  // namespace

EngineState BatchEngine::StateForArchive() const {
  return {.options = options_, .memory = *memory_, .carried = carried_};
}

Status BatchEngine::Save(const std::string& path,
                         std::span<const SequenceId> sequences) const {
  const EngineState state = StateForArchive();
  BRAID_ASSIGN(const auto ids, SequencesToSave(state, sequences));
  BRAID_ASSIGN(const Fingerprint fingerprint, FingerprintOf(*model_, options_));
  BRAID_ASSIGN(archive::Writer writer, archive::Writer::ToFile(path));
  SaveState(state, fingerprint, ids, writer);
  return writer.Finish();
}

Result<std::vector<std::byte>> BatchEngine::SaveToMemory(
    std::span<const SequenceId> sequences) const {
  const EngineState state = StateForArchive();
  BRAID_ASSIGN(const auto ids, SequencesToSave(state, sequences));
  BRAID_ASSIGN(const Fingerprint fingerprint, FingerprintOf(*model_, options_));
  std::vector<std::byte> bytes;
  archive::Writer writer = archive::Writer::ToMemory(bytes);
  SaveState(state, fingerprint, ids, writer);
  BRAID_TRY(writer.Finish());
  return bytes;
}

Result<Restored> BatchEngine::Restore(const std::string& path,
                                      const RestoreOptions& restore) {
  BRAID_ASSIGN(const MappedFile file, MappedFile::Open(path));
  Result<Restored> restored = RestoreFromMemory(file.bytes(), restore);
  if (!restored.ok()) return Named(path, restored.error());
  return restored;
}

Result<Restored> BatchEngine::RestoreFromMemory(
    std::span<const std::byte> archive, const RestoreOptions& restore) {
  BRAID_ASSIGN(const Fingerprint here, FingerprintOf(*model_, options_));
  return RestoreState(StateForArchive(), carried_, model_->language_model(),
                      here, archive, restore);
}

}  // namespace braid
