// Writes GGUF files, version 3, little-endian.
//
// Two phases, so that a model larger than memory can be written: first all
// metadata and all tensors are declared, which fixes every offset; then the
// tensors' bytes follow in the same order, in pieces of any size.
//
//   BRAID_ASSIGN(Writer writer, Writer::Create(path, contents));
//   for (const auto& tensor : writer.tensors()) {
//     ... BRAID_TRY(writer.Append(bytes)); ...  // tensor.size in all
//   }
//   BRAID_TRY(writer.Finish());
#ifndef BRAID_SRC_GGUF_WRITER_H_
#define BRAID_SRC_GGUF_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/output_file.h"
#include "braid/result.h"
#include "gguf/file.h"
#include "gguf/value.h"

namespace braid::gguf {

// Padding is made in memory, and a hostile file that is read and written again
// may ask for 4 GiB of it. Files in the field have 32, seldom a page.
inline constexpr uint64_t kMaxWrittenAlignment = 1 << 20;

// What a file is to hold.
struct Contents {
  // Written in this order. `general.alignment`, if it is here, is obeyed;
  // otherwise tensors stand at multiples of 32 bytes.
  std::vector<KeyValue> metadata;
  // Of these, name, type and shape are read; the rest is computed.
  std::vector<TensorInfo> tensors;
};

// A file up to its data.
struct Header {
  std::vector<std::byte> bytes;     // padded to the data section
  std::vector<TensorInfo> tensors;  // with offset and size
  uint64_t data_bytes = 0;          // of the data section, padding included
};

// Lays out `contents`. What it makes has been read back by the reader, so the
// errors are the reader's: duplicate or unprintable names, a shape that does
// not fit its type, arrays nested too deep, ... In addition: an array's
// elements are not of the type that it names; an alignment above
// kMaxWrittenAlignment.
Result<Header> EncodeHeader(const Contents& contents);

// Not thread-safe.
class Writer {
 public:
  // Writes the header to a temporary file beside `path`. `cancelled`, if given,
  // is asked before every write: true makes it an error. Errors: those of
  // EncodeHeader, and the file system's.
  static Result<Writer> Create(const std::string& path,
                               const Contents& contents,
                               std::function<bool()> cancelled = {});

  // The tensors in the order in which their bytes must come.
  std::span<const TensorInfo> tensors() const { return tensors_; }

  // The next bytes of the tensor that is not complete yet; padding is added
  // by itself. Error: more bytes than that tensor has left, or no tensor left.
  Status Append(std::span<const std::byte> bytes);

  // Makes the file durable and gives it its name. Error: tensors are missing.
  // Without a successful Finish() nothing appears at the path.
  Status Finish();

 private:
  Writer(std::string path, OutputFile file, Header header,
         std::function<bool()> cancelled);

  Status CheckCancelled() const;

  // Zeros from the end of the tensor that was just completed to the next.
  Status Pad();

  std::string path_;
  OutputFile file_;
  std::vector<TensorInfo> tensors_;
  uint64_t data_bytes_;
  std::function<bool()> cancelled_;
  size_t next_ = 0;       // the tensor that is being written
  uint64_t written_ = 0;  // bytes of it
};

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_WRITER_H_
