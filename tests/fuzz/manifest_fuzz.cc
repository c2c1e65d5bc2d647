// libFuzzer target: any text, as a manifest of hashes. What is accepted must
// mean the same after it was written out and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "gguf/hash.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace braid::gguf;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto hashes = ParseManifest(text);
  if (!hashes.ok()) {
    BRAID_CHECK(!hashes.error().message.empty());
    return 0;
  }
  BRAID_CHECK(!hashes->empty());
  for (const ModelHash& hash : *hashes) {
    const auto again = ParseManifest(ManifestText(hash, "m"));
    BRAID_CHECK(again.ok() && again->size() == 1);
    BRAID_CHECK((*again)[0].kind == hash.kind);
    BRAID_CHECK((*again)[0].whole == hash.whole);
    BRAID_CHECK((*again)[0].tensors.size() == hash.tensors.size());
    BRAID_CHECK(CompareHashes(hash, (*again)[0]).ok());
  }
  return 0;
}
