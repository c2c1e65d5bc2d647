// libFuzzer target: any bytes, as a GGUF file. What is accepted is walked
// through every getter, shown and checked. See scripts/fuzz-gguf.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "gguf/describe.h"
#include "gguf/file.h"
#include "tests/fuzz/gguf_generator.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace braid::gguf {
namespace {

uint64_t executed = 0;
uint64_t accepted = 0;

void PrintShare() {
  std::fprintf(stderr, "gguf_fuzz: %llu of %llu inputs accepted (%.2f %%)\n",
               static_cast<unsigned long long>(accepted),
               static_cast<unsigned long long>(executed),
               executed == 0 ? 0.0
                             : 100.0 * static_cast<double>(accepted) /
                                   static_cast<double>(executed));
}

std::span<const std::byte> AsBytes(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

void WalkMetadata(const File& file) {
  for (const KeyValue& kv : file.metadata()) {
    BRAID_CHECK(file.Find(kv.key) == &kv.value);
    // No value is of more than one of the kinds; integers are also floats.
    const bool is_int = file.GetInt(kv.key).ok();
    const bool is_float = file.GetFloat(kv.key, 1).ok();
    const bool is_bool = file.GetBool(kv.key).ok();
    const bool is_string = file.GetString(kv.key, "").ok();
    BRAID_CHECK(is_float + is_bool + is_string <= 1);
    BRAID_CHECK(is_float || !is_int);
  }
  // No file can hold this key; a printable one the fuzzer finds out.
  constexpr const char* kImpossible = "\n";
  BRAID_CHECK(!file.GetInt(kImpossible).ok());
  BRAID_CHECK(*file.GetInt(kImpossible, 7) == 7);
}

void WalkTensors(const File& file) {
  for (const TensorInfo& tensor : file.tensors()) {
    BRAID_CHECK(file.FindTensor(tensor.name) == &tensor);
    // Memory that must not be read is poisoned around the input.
    const std::vector<std::byte> copy(file.Data(tensor).begin(),
                                      file.Data(tensor).end());
    BRAID_CHECK(copy.size() == tensor.size);
    file.Release(tensor);
  }
}

}  // namespace
}  // namespace braid::gguf

// A million small allocations a second: the defaults keep 256 MB of freed
// memory and long stacks of each, which costs more than what is tested.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=4:malloc_context_size=1";
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::atexit(braid::gguf::PrintShare);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace braid::gguf;
  ++executed;
  const auto file = File::Parse(AsBytes(data, size));
  if (!file.ok()) {
    BRAID_CHECK(!file.error().message.empty());
    return 0;
  }
  ++accepted;
  WalkMetadata(*file);
  WalkTensors(*file);
  BRAID_CHECK(!Show(*file).empty());
  (void)CheckTensors(*file);
  return 0;
}

// Byte-wise mutations alone almost never give a file that is accepted. So half
// of the time the input is taken apart and put together in another way (or
// invented, if it is no file), and then often damaged in one place.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                          size_t max_size, unsigned seed) {
  using namespace braid::gguf;
  braid::Random random(seed);
  if (random.Below(2) == 0) return LLVMFuzzerMutate(data, size, max_size);

  // The draft views the bytes of the file until it has been encoded.
  const auto file = File::Parse(AsBytes(data, size));
  Draft draft = file.ok() ? DraftOf(*file) : RandomDraft(random);
  for (int i = random.Below(3); i >= 0; --i) Mutate(random, &draft);
  std::vector<std::byte> bytes = Encode(random, draft, max_size);
  if (bytes.empty()) return LLVMFuzzerMutate(data, size, max_size);
  if (random.Below(3) == 0) Corrupt(random, &bytes);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
