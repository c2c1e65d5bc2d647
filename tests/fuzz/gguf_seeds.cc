// gguf_seeds FOLDER [COUNT]: writes small, well-formed GGUF files, the seed
// corpus of gguf_fuzz. The same files on every machine.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/output_file.h"
#include "base/random.h"
#include "tests/fuzz/gguf_generator.h"
#include "tests/fuzz/gguf_vocabulary.h"

namespace {

constexpr size_t kMaxBytes = 4096;

braid::Status WriteSeeds(const std::string& folder, int count) {
  for (int written = 0, attempt = 0; written < count; ++attempt) {
    braid::Random random(1, static_cast<uint64_t>(attempt));
    braid::gguf::Draft draft = braid::gguf::RandomDraft(random);
    if (random.Below(2) == 0) braid::gguf::SetVocabulary(random, &draft);
    const auto bytes = braid::gguf::Encode(random, draft, kMaxBytes);
    if (bytes.empty()) continue;
    auto file = braid::OutputFile::Create(
        braid::Format("{}/seed-{}.gguf", folder, written));
    if (!file.ok()) return file.error();
    if (auto status = file->Write(bytes); !status.ok()) return status;
    if (auto status = file->Commit(); !status.ok()) return status;
    ++written;
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 2 ? std::atoi(argv[2]) : 100;
  if (argc < 2 || argc > 3 || count < 1) {
    std::fprintf(stderr, "usage: gguf_seeds FOLDER [COUNT]\n");
    return 2;
  }
  const braid::Status status = WriteSeeds(argv[1], count);
  if (!status.ok()) {
    std::fprintf(stderr, "gguf_seeds: %s\n", status.error().message.c_str());
    return 1;
  }
  return 0;
}
