// Walks a tensor's bytes in pieces that leave memory when they are done, so
// that a file of any size passes through a few MiB.
#ifndef BRAID_SRC_GGUF_PIECES_H_
#define BRAID_SRC_GGUF_PIECES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "base/try.h"
#include "braid/result.h"
#include "gguf/file.h"

namespace braid::gguf {

// What a walk holds in memory at most, if blocks are smaller.
inline constexpr uint64_t kPieceBytes = 4 << 20;

// Calls visit(piece) for consecutive pieces of the tensor, each a multiple of
// `multiple` > 0 bytes, but for the last. Stops at the first error: visit's, or
// the file cannot be read to the tensor's end.
inline Status ForEachPiece(
    const File& file, const TensorInfo& tensor, uint64_t multiple,
    FunctionRef<Status(std::span<const std::byte>)> visit) {
  const std::span<const std::byte> data = file.Data(tensor);
  const uint64_t size =
      multiple >= kPieceBytes ? multiple : kPieceBytes - kPieceBytes % multiple;
  std::vector<std::byte> copy(std::min<uint64_t>(size, data.size()));
  for (uint64_t done = 0; done < data.size(); done += size) {
    const auto piece = data.subspan(done, std::min(size, data.size() - done));
    BRAID_TRY(file.Read(tensor, piece, copy.data()));
    BRAID_TRY(visit(std::span(copy).first(piece.size())));
  }
  return {};
}

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_PIECES_H_
