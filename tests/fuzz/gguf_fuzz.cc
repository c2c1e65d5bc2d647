// libFuzzer target: any bytes, as a GGUF file. What is accepted is walked
// through every getter, shown, checked, hashed and cut into parts; its
// vocabulary, if it has a good one, encodes its own bytes. See
// scripts/fuzz-gguf.
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
#include "gguf/edit.h"
#include "gguf/file.h"
#include "gguf/hash.h"
#include "gguf/split_writer.h"
#include "tests/fuzz/gguf_generator.h"
#include "tests/fuzz/gguf_vocabulary.h"
#include "tokenizer/load.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace braid::gguf {
namespace {

uint64_t executed = 0;
uint64_t accepted = 0;
uint64_t vocabularies = 0;

void PrintShare() {
  const auto percent = [](uint64_t count) {
    return executed == 0 ? 0.0
                         : 100.0 * static_cast<double>(count) /
                               static_cast<double>(executed);
  };
  std::fprintf(stderr,
               "gguf_fuzz: %llu of %llu inputs accepted (%.2f %%), %llu with a "
               "tokenizer (%.2f %%)\n",
               static_cast<unsigned long long>(accepted),
               static_cast<unsigned long long>(executed), percent(accepted),
               static_cast<unsigned long long>(vocabularies),
               percent(vocabularies));
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

void WalkTokenizer(const File& file, std::string_view text) {
  const auto tokenizer = LoadTokenizer(file);
  if (!tokenizer.ok()) {
    BRAID_CHECK(!tokenizer.error().message.empty());
    return;
  }
  ++vocabularies;
  constexpr size_t kTextBytes = 64;
  const std::vector<TokenId> tokens =
      (*tokenizer)->Encode(text.substr(0, kTextBytes), {});
  for (const TokenId token : tokens) {
    BRAID_CHECK(token >= 0 && token < (*tokenizer)->vocabulary_size());
  }
  (void)(*tokenizer)->Decode(tokens, {});
}

// Nothing is written: plans and edits are only made.
void WalkPlans(const File& file) {
  const ModelHash hash = *HashTensors(file, HashKind::kXxh64);
  BRAID_CHECK(CompareHashes(hash, hash).ok());
  for (const SplitLimits limits :
       {SplitLimits{.tensors = 1}, SplitLimits{.bytes = 512}}) {
    const auto parts = PlanSplit(file, "p", limits);
    if (!parts.ok()) continue;
    size_t tensors = 0;
    for (const PlannedPart& part : *parts) {
      BRAID_CHECK(part.first_tensor == tensors);
      tensors += part.tensors;
    }
    BRAID_CHECK(tensors == file.tensors().size());
  }
  for (const KeyValue& kv : file.metadata()) {
    const auto edit = MakeSet(file, kv.key, "1", {.type = {}, .force = true});
    const bool is_array = TypeOf(kv.value) == ValueType::kArray;
    const bool is_bool = TypeOf(kv.value) == ValueType::kBool;
    BRAID_CHECK(edit.ok() == (!is_array && !is_bool));
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
  WalkPlans(*file);
  WalkTokenizer(*file, {reinterpret_cast<const char*>(data), size});
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
  if (random.Below(4) == 0) SetVocabulary(random, &draft);
  std::vector<std::byte> bytes = Encode(random, draft, max_size);
  if (bytes.empty()) return LLVMFuzzerMutate(data, size, max_size);
  if (random.Below(3) == 0) Corrupt(random, &bytes);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}
