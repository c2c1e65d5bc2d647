#include "base/hasher.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <iterator>

#include "base/check.h"

namespace braid {

namespace {

constexpr HashKind kKinds[] = {HashKind::kXxh64, HashKind::kSha256};

std::string Hex(std::span<const unsigned char> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

struct FreeXxh {
  void operator()(XXH64_state_t* state) const { XXH64_freeState(state); }
};
struct FreeEvp {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string_view Name(HashKind kind) {
  return kind == HashKind::kXxh64 ? "xxh64" : "sha256";
}

std::optional<HashKind> FindHashKind(std::string_view name) {
  for (const HashKind kind : kKinds) {
    if (Name(kind) == name) return kind;
  }
  return std::nullopt;
}

size_t HexDigits(HashKind kind) { return kind == HashKind::kXxh64 ? 16 : 64; }

// Exactly one of the two is there. Their functions fail only when memory or
// the library's build is broken.
struct Hasher::Impl {
  std::unique_ptr<XXH64_state_t, FreeXxh> xxh64;
  std::unique_ptr<EVP_MD_CTX, FreeEvp> sha256;
};

Hasher::Hasher(HashKind kind) : impl_(std::make_unique<Impl>()) {
  if (kind == HashKind::kXxh64) {
    impl_->xxh64.reset(XXH64_createState());
    BRAID_CHECK(impl_->xxh64 != nullptr);
    BRAID_CHECK(XXH64_reset(impl_->xxh64.get(), 0) == XXH_OK);
  } else {
    impl_->sha256.reset(EVP_MD_CTX_new());
    BRAID_CHECK(impl_->sha256 != nullptr);
    BRAID_CHECK(EVP_DigestInit_ex(impl_->sha256.get(), EVP_sha256(), nullptr) ==
                1);
  }
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::Add(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (impl_->xxh64 != nullptr) {
    BRAID_CHECK(XXH64_update(impl_->xxh64.get(), bytes.data(), bytes.size()) ==
                XXH_OK);
  } else {
    BRAID_CHECK(
        EVP_DigestUpdate(impl_->sha256.get(), bytes.data(), bytes.size()) == 1);
  }
}

std::string Hasher::Finish() {
  if (impl_->xxh64 != nullptr) {
    XXH64_canonical_t digest;  // big-endian
    XXH64_canonicalFromHash(&digest, XXH64_digest(impl_->xxh64.get()));
    return Hex(digest.digest);
  }
  unsigned char digest[32];
  unsigned size = 0;
  BRAID_CHECK(EVP_DigestFinal_ex(impl_->sha256.get(), digest, &size) == 1);
  BRAID_CHECK(size == sizeof digest);
  return Hex(digest);
}

}  // namespace braid
