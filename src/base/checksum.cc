#include "base/checksum.h"

#include <xxhash.h>

#include "base/check.h"

namespace braid {

namespace {

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

// The library's functions fail only when memory or its build is broken.
struct Checksum::Impl {
  std::unique_ptr<XXH3_state_t, FreeState> state;
};

Checksum::Checksum() : impl_(std::make_unique<Impl>()) {
  impl_->state.reset(XXH3_createState());
  BRAID_CHECK(impl_->state != nullptr);
  Reset();
}

Checksum::Checksum(Checksum&&) noexcept = default;
Checksum& Checksum::operator=(Checksum&&) noexcept = default;
Checksum::~Checksum() = default;

void Checksum::Add(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  BRAID_CHECK(XXH3_64bits_update(impl_->state.get(), bytes.data(),
                                 bytes.size()) == XXH_OK);
}

uint64_t Checksum::Value() const {
  return XXH3_64bits_digest(impl_->state.get());
}

void Checksum::Reset() {
  BRAID_CHECK(XXH3_64bits_reset(impl_->state.get()) == XXH_OK);
}

uint64_t ChecksumOf(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace braid
