// Overwrites a few bytes of a file in place.
#ifndef BRAID_SRC_BASE_PATCH_FILE_H_
#define BRAID_SRC_BASE_PATCH_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "braid/result.h"

namespace braid {

// Writes `bytes` at byte `begin` of the file at `path` and makes them durable.
// The file must be there; it keeps its size unless the range goes beyond its
// end. Errors name the path and the system's reason.
Status PatchFile(const std::string& path, uint64_t begin,
                 std::span<const std::byte> bytes);

}  // namespace braid

#endif  // BRAID_SRC_BASE_PATCH_FILE_H_
