// Looks for NaN and infinity in a tensor's bytes: in the numbers of the plain
// types, in the block scales of the quantised ones. One such scale spoils a
// whole block, and every token after it.
//
// Source: the block layouts of ggml's types (2026).
#ifndef BRAID_SRC_GGUF_FINITE_H_
#define BRAID_SRC_GGUF_FINITE_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace braid::gguf {

// False for the codebook types (IQ1, IQ2, IQ3), whose inside Braid does not
// know, and for ids that are no type.
bool CanCheckFinite(uint32_t type);

struct NonFinite {
  uint64_t count = 0;  // numbers that are NaN or infinite
  // The element at which the first block with such a number begins: for plain
  // types, the element itself. Meaningful if count > 0.
  uint64_t first_element = 0;
};

// Requires CanCheckFinite(type) and whole blocks. Reads every block once or
// twice.
NonFinite FindNonFinite(uint32_t type, std::span<const std::byte> data);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_FINITE_H_
