#include "gguf/planned_file.h"

#include <sys/mman.h>

#include <cstring>
#include <utility>

#include "base/format.h"
#include "base/try.h"

namespace braid::gguf {

Result<PlannedFile> PlannedFile::Make(const Contents& contents) {
  BRAID_ASSIGN(const Header header, EncodeHeader(contents));
  const size_t size = header.bytes.size() + header.data_bytes;
  // Without access it is counted against no limit but that of addresses.
  void* const start = mmap(nullptr, size, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) {
    return Error{Format("no address space for a file of {} bytes", size)};
  }
  Region region(start, [size](void* address) { munmap(address, size); });
  if (mprotect(start, header.bytes.size(), PROT_READ | PROT_WRITE) != 0) {
    return Error{
        Format("no memory for a header of {} bytes", header.bytes.size())};
  }
  std::memcpy(start, header.bytes.data(), header.bytes.size());
  BRAID_ASSIGN(File file,
               File::Parse({static_cast<const std::byte*>(start), size}));
  return PlannedFile(std::move(region), std::move(file));
}

}  // namespace braid::gguf
