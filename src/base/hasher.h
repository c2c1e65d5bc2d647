// Hasher: the digest of bytes that come in pieces.
//
// Two kinds: XXH64, as fast as memory, against accidents; SHA-256, against
// anybody. Not thread-safe.
#ifndef BRAID_SRC_BASE_HASHER_H_
#define BRAID_SRC_BASE_HASHER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace braid {

enum class HashKind { kXxh64, kSha256 };

// "xxh64", "sha256".
std::string_view Name(HashKind kind);
// The kind of that name, if there is one.
std::optional<HashKind> FindHashKind(std::string_view name);
// Characters of its digest in hexadecimal: 16, 64.
size_t HexDigits(HashKind kind);

class Hasher {
 public:
  explicit Hasher(HashKind kind);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void Add(std::span<const std::byte> bytes);
  // The digest of all that was added, in lower-case hexadecimal, the most
  // significant byte first. Call once, last.
  std::string Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_HASHER_H_
