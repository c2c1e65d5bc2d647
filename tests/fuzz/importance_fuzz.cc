// libFuzzer target: bytes as an importance matrix, in either of its formats.
// What is accepted gives weights that are usable numbers, for as many matrices
// as it says, and a row is encoded with them.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "gguf/file.h"
#include "quantize/importance.h"
#include "tensor/codec.h"
#include "tensor/formats.h"

namespace braid::quantize {
namespace {

constexpr size_t kRow = 256;  // a block of every format

// Names of which the file may know something.
std::vector<std::string> Names(std::span<const std::byte> bytes) {
  std::vector<std::string> names;
  if (const auto file = gguf::File::Parse(bytes); file.ok()) {
    constexpr std::string_view kSums = ".in_sum2";
    for (const gguf::TensorInfo& tensor : file->tensors()) {
      if (!tensor.name.ends_with(kSums)) continue;
      names.push_back(tensor.name.substr(0, tensor.name.size() - kSums.size()));
    }
    return names;
  }
  // The older format begins with a count, and the length of a name.
  int32_t length = 0;
  constexpr size_t kName = 2 * sizeof(length);
  std::memcpy(&length, bytes.data() + sizeof(length), sizeof(length));
  BRAID_CHECK(length >= 0 &&
              kName + static_cast<size_t>(length) <= bytes.size());
  const auto name = bytes.subspan(kName, static_cast<size_t>(length));
  names.emplace_back(reinterpret_cast<const char*>(name.data()), name.size());
  return names;
}

void CheckWeights(std::span<const float> weights) {
  for (const float weight : weights) {
    BRAID_CHECK(std::isfinite(weight) && weight >= 0);
  }
}

// The sanitizers see to it that no conversion is undefined.
void EncodeWith(std::span<const float> weights, DType type) {
  std::array<float, kRow> values;
  std::array<float, kRow> importance;
  for (size_t i = 0; i < kRow; ++i) {
    values[i] = static_cast<float>(i * 37 % 64) - 30.0f;
    importance[i] = weights[i % weights.size()];
  }
  std::vector<std::byte> row(RowBytes(type, kRow));
  EncodeWeightedRow(type, values.data(), importance.data(), kRow, row.data());
  DecodeRow(type, row.data(), kRow, values.data());
}

void Walk(std::span<const std::byte> bytes, ImportanceMatrix& matrix) {
  const size_t entries = matrix.size();
  BRAID_CHECK(entries > 0);
  const std::vector<std::string> names = Names(bytes);
  BRAID_CHECK(!names.empty());
  const DType type = kAllDTypes[bytes.size() % std::size(kAllDTypes)];
  for (const std::string& name : names) {
    const std::vector<float> weights = matrix.Weights(name);
    CheckWeights(weights);
    if (!weights.empty() && &name == &names.front()) EncodeWith(weights, type);
  }
  const bool older = matrix.is_older();
  ImportanceMatrix all;
  BRAID_CHECK(all.Merge(matrix).ok() == !older);
  ImportanceMatrix counted = matrix;
  if (older && counted.CountRows(512).ok()) {
    ImportanceMatrix merged;
    BRAID_CHECK(merged.Merge(counted).ok());
    for (const std::string& name : names) CheckWeights(merged.Weights(name));
  }
  // Every name holds the empty text.
  const std::string any[] = {""};
  matrix.Filter(any, {});
  BRAID_CHECK(matrix.size() == entries);
  matrix.Filter({}, names);
  BRAID_CHECK(matrix.size() < entries && matrix.Weights(names[0]).empty());
}

}  // namespace
}  // namespace braid::quantize

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using braid::quantize::ImportanceMatrix;
  const auto bytes = std::as_bytes(std::span(data, size));
  auto matrix = ImportanceMatrix::Parse(bytes);
  if (!matrix.ok()) {
    BRAID_CHECK(!matrix.error().message.empty());
    return 0;
  }
  braid::quantize::Walk(bytes, *matrix);
  return 0;
}
