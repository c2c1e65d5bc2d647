// Reads metadata values. Nothing is allocated before the bytes that are left
// have been found to hold it, so a file cannot ask for more memory than a
// small multiple of its own size.
#ifndef BRAID_SRC_GGUF_VALUE_READER_H_
#define BRAID_SRC_GGUF_VALUE_READER_H_

#include <string_view>

#include "base/byte_reader.h"
#include "braid/result.h"
#include "gguf/value.h"

namespace braid::gguf {

// Arrays inside arrays, counting the outermost: the format sets no limit, no
// known file goes beyond 2, and a limit bounds the reader's stack.
inline constexpr int kMaxArrayDepth = 4;

// A 64-bit length and that many bytes. They should be UTF-8, but vocabularies
// in the field hold pieces of characters, so any bytes are accepted.
Result<std::string_view> ReadString(ByteReader& reader);

// A type id and a value of that type. Errors name the type and what is wrong,
// not the key, which is the caller's to add.
Result<Value> ReadValue(ByteReader& reader);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_VALUE_READER_H_
