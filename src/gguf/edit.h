// Changes one metadata value of a model file.
#ifndef BRAID_SRC_GGUF_EDIT_H_
#define BRAID_SRC_GGUF_EDIT_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "braid/result.h"
#include "gguf/file.h"
#include "gguf/value.h"

namespace braid::gguf {

struct Edit {
  std::string_view key;
  std::optional<Value> value;  // nothing: the key is removed
};

struct EditOptions {
  // Of a new key; of one that is there, the type that it must then change to.
  std::optional<ValueType> type = {};
  // Allows keys that say how the file or its tensors are to be read:
  // general.architecture, general.alignment, split.*.
  bool force = false;
};

// The edit that sets `key` to the value that `text` means: of options.type, or
// of the type that it has in `file`. Views `key` and `text`. Errors name the
// key and both values: a new key without a type, a text that is no such value,
// a key that `force` alone may touch.
Result<Edit> MakeSet(const File& file, std::string_view key,
                     std::string_view text, const EditOptions& options);

// The edit that removes `key`. Errors: it is not there; `force`, as above.
Result<Edit> MakeDelete(const File& file, std::string_view key,
                        const EditOptions& options);

// Writes `file` with the edit to `path`: a changed value keeps its place, a new
// one comes last, tensors are copied in pieces. `path` may be that of `file`.
// `cancelled`: the Writer's. Errors: `file` is a split set (its parts would no
// longer agree); the Writer's.
Status WriteEdited(const File& file, const Edit& edit, const std::string& path,
                   const std::function<bool()>& cancelled = {});

// Overwrites the value in the file at `path`, which must have been opened as
// `file`. Nothing else moves, so the new value must take as many bytes as the
// old: the same type, strings of the same length. A reader that opens the file
// in the middle of it may see a string half changed. Errors: the sizes, both
// named; the key is not there or is general.alignment, on which everything
// depends; the file system's.
Status PatchInPlace(const File& file, const Edit& edit,
                    const std::string& path);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_EDIT_H_
