// importance_seeds FOLDER: writes one good importance matrix of each format,
// the seed corpus of importance_fuzz.
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "base/output_file.h"
#include "base/try.h"
#include "quantize/importance.h"

namespace {

template <class T>
void Append(const T& value, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Two matrices, chunks and a text.
std::string OlderFormat() {
  std::string bytes;
  Append(int32_t{2}, bytes);
  for (const std::string_view name : {"blk.0.a.weight", "w"}) {
    Append(static_cast<int32_t>(name.size()), bytes);
    bytes += name;
    Append(int32_t{4}, bytes);  // calls
    Append(int32_t{3}, bytes);  // values
    for (const float value : {8.0f, 0.0f, 0.5f}) Append(value, bytes);
  }
  Append(int32_t{7}, bytes);
  Append(int32_t{5}, bytes);
  return bytes + "a.txt";
}

braid::Status WriteSeeds(const std::string& folder) {
  braid::quantize::ImportanceMatrix matrix;
  matrix.Add("blk.0.a.weight", {{8, 0, 0.5f}, {4}});
  matrix.Add("experts", {{1, 2, 0, 0}, {3, 0}});  // the second saw nothing
  matrix.datasets = {"a.txt"};
  matrix.chunk_count = 7;
  matrix.chunk_size = 512;
  BRAID_TRY(matrix.Write(folder + "/seed.gguf"));
  const std::string older = OlderFormat();
  BRAID_ASSIGN(auto file, braid::OutputFile::Create(folder + "/seed.dat"));
  BRAID_TRY(file.Write(std::as_bytes(std::span(older))));
  return file.Commit();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: importance_seeds FOLDER\n");
    return 2;
  }
  const braid::Status status = WriteSeeds(argv[1]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "importance_seeds: %s\n",
               status.error().message.c_str());
  return 1;
}
