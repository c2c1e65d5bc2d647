#include "base/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/format.h"
#include "base/try.h"

namespace braid {

namespace {

// Names that a program that was killed may have left behind, and names of
// other writers of the same path, are stepped over.
constexpr int kMaxTemporaryFiles = 100;

Error SystemError(const std::string& path, const char* action, int code) {
  return Error{Format("{}: cannot {}: {}", path, action,
                      std::generic_category().message(code))};
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Makes the rename durable: it is an entry of the folder, not of the file.
Status SyncFolder(const std::string& path) {
  const std::string folder = FolderOf(path);
  const int descriptor =
      open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return SystemError(folder, "open", errno);
  const int code = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  // Some network file systems cannot sync a folder, and say so.
  if (code != 0 && code != EINVAL) return SystemError(folder, "sync", code);
  return {};
}

}  // namespace

OutputFile::OutputFile(std::string path, std::string temporary_path,
                       int descriptor)
    : path_(std::move(path)),
      temporary_path_(std::move(temporary_path)),
      descriptor_(descriptor) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_path_(std::move(other.temporary_path_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_path_, other.temporary_path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_path_.c_str());
}

Result<OutputFile> OutputFile::Create(const std::string& path, unsigned mode) {
  struct stat there = {};
  if (stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return Error{Format("{}: cannot replace: not a regular file", path)};
  }
  for (int i = 0; i < kMaxTemporaryFiles; ++i) {
    std::string temporary_path = Format("{}.tmp{}", path, i);
    const int descriptor = open(temporary_path.c_str(),
                                O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor >= 0) {
      return OutputFile(path, std::move(temporary_path), descriptor);
    }
    if (errno != EEXIST) return SystemError(temporary_path, "create", errno);
  }
  return Error{Format("{}: {} temporary files named {}.tmp* are in the way",
                      path, kMaxTemporaryFiles, path)};
}

Status OutputFile::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(temporary_path_, "write", errno);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Status OutputFile::Commit() {
  if (fsync(descriptor_) != 0) {
    return SystemError(temporary_path_, "sync", errno);
  }
  if (rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    return SystemError(path_, "replace", errno);
  }
  if (close(std::exchange(descriptor_, -1)) != 0) {
    return SystemError(path_, "close", errno);
  }
  return SyncFolder(path_);
}

}  // namespace braid
