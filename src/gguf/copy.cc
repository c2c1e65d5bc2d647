#include "gguf/copy.h"

#include "base/check.h"
#include "base/try.h"
#include "gguf/pieces.h"

namespace braid::gguf {

Status WriteCopy(const File& file, const Contents& contents,
                 const std::string& path,
                 const std::function<bool()>& cancelled) {
  BRAID_ASSIGN(Writer writer, Writer::Create(path, contents, cancelled));
  for (const TensorInfo& target : contents.tensors) {
    const TensorInfo* const source = file.FindTensor(target.name);
    BRAID_CHECK(source != nullptr);
    BRAID_TRY(
        ForEachPiece(file, *source, 1, [&](std::span<const std::byte> piece) {
          return writer.Append(piece);
        }));
  }
  return writer.Finish();
}

}  // namespace braid::gguf
