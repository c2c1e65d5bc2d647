#include "quantize/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <variant>

#include "base/byte_reader.h"
#include "base/format.h"
#include "base/mapped_file.h"
#include "base/output_file.h"
#include "base/try.h"
#include "gguf/file.h"
#include "gguf/tensor_type.h"
#include "gguf/writer.h"

namespace braid::quantize {

namespace {

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";

Status CheckNumbers(std::string_view name, std::span<const float> numbers) {
  for (const float number : numbers) {
    if (std::isfinite(number) && number >= 0) continue;
    return Error{Format("{}: expected finite numbers from 0 on, file has {}",
                        name, number)};
  }
  return {};
}

std::vector<float> Floats(std::span<const std::byte> bytes) {
  std::vector<float> floats(bytes.size() / sizeof(float));
  if (!floats.empty()) {
    std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  }
  return floats;
}

Result<std::vector<float>> ReadTensor(const gguf::File& file,
                                      const gguf::TensorInfo& tensor) {
  if (tensor.type != gguf::TensorTypeId::kF32) {
    return Error{Format("{}: expected F32, file has {}", tensor.name,
                        gguf::TensorTypeText(tensor.type))};
  }
  const std::span<const std::byte> data = file.Data(tensor);
  std::vector<float> floats(data.size() / sizeof(float));
  BRAID_TRY(file.Read(tensor, data.first(floats.size() * sizeof(float)),
                      reinterpret_cast<std::byte*>(floats.data())));
  BRAID_TRY(CheckNumbers(tensor.name, floats));
  return floats;
}

Result<InputSquares> ReadPair(const gguf::File& file,
                              const gguf::TensorInfo& sums) {
  const std::string name = sums.name.substr(0, sums.name.size() - kSums.size());
  const gguf::TensorInfo* counts = file.FindTensor(name + std::string(kCounts));
  if (counts == nullptr) {
    return Error{Format("{}: there is no {}{}", sums.name, name, kCounts)};
  }
  InputSquares squares;
  BRAID_ASSIGN(squares.sums, ReadTensor(file, sums));
  BRAID_ASSIGN(squares.counts, ReadTensor(file, *counts));
  for (float& count : squares.counts) count = std::round(count);
  const size_t matrices = squares.counts.size();
  if (matrices == 0 || squares.sums.size() % matrices != 0) {
    return Error{Format("{}: {} sums are no multiple of {} counts", name,
                        squares.sums.size(), matrices)};
  }
  return squares;
}

Result<uint32_t> ReadCount(const gguf::File& file, std::string_view key) {
  BRAID_ASSIGN(const int64_t number, file.GetInt(key));
  if (number < 0 || number > UINT32_MAX) {
    return Error{Format("{}: {} is not in [0, {}]", key, number, UINT32_MAX)};
  }
  return static_cast<uint32_t>(number);
}

Result<std::vector<std::string>> ReadDatasets(const gguf::File& file) {
  constexpr std::string_view kKey = "imatrix.datasets";
  const gguf::Value* value = file.Find(kKey);
  if (value == nullptr) return Error{Format("{} is missing", kKey)};
  const auto* array = std::get_if<gguf::Array>(value);
  const auto* texts =
      array == nullptr
          ? nullptr
          : std::get_if<std::vector<std::string_view>>(&array->elements);
  if (texts == nullptr) {
    return Error{Format("{}: expected an array of strings, file has {}", kKey,
                        gguf::TypeText(*value))};
  }
  return std::vector<std::string>(texts->begin(), texts->end());
}

Result<ImportanceMatrix> ParseGguf(std::span<const std::byte> bytes) {
  BRAID_ASSIGN(const gguf::File file, gguf::File::Parse(bytes));
  BRAID_ASSIGN(const std::string_view type, file.GetString("general.type", ""));
  if (type != "imatrix") {
    return Error{Format("general.type: expected \"imatrix\", file has {}",
                        gguf::Quoted(type, 40))};
  }
  ImportanceMatrix matrix;
  BRAID_ASSIGN(matrix.datasets, ReadDatasets(file));
  BRAID_ASSIGN(matrix.chunk_count, ReadCount(file, "imatrix.chunk_count"));
  BRAID_ASSIGN(matrix.chunk_size, ReadCount(file, "imatrix.chunk_size"));
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (!tensor.name.ends_with(kSums)) continue;
    BRAID_ASSIGN(InputSquares squares, ReadPair(file, tensor));
    matrix.Add(tensor.name.substr(0, tensor.name.size() - kSums.size()),
               std::move(squares));
  }
  if (matrix.size() == 0) return Error{"there are no sums in it"};
  return matrix;
}

Result<uint32_t> ReadLength(ByteReader& reader, std::string_view what,
                            uint32_t most) {
  BRAID_ASSIGN(const int32_t length, reader.Read<int32_t>());
  if (length < 0 || static_cast<uint32_t>(length) > most) {
    return Error{Format("{}: {} is not in [0, {}]", what, length, most)};
  }
  return static_cast<uint32_t>(length);
}

Result<std::string> ReadName(ByteReader& reader) {
  constexpr uint32_t kMaxName = 1 << 16;
  BRAID_ASSIGN(const uint32_t length,
               ReadLength(reader, "length of a name", kMaxName));
  BRAID_ASSIGN(const auto bytes, reader.ReadBytes(length));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

Result<ImportanceMatrix> ImportanceMatrix::ParseOld(
    std::span<const std::byte> bytes) {
  constexpr uint32_t kMost = 1 << 30;
  ByteReader reader(bytes);
  ImportanceMatrix matrix;
  matrix.is_older_ = true;
  BRAID_ASSIGN(const uint32_t entries,
               ReadLength(reader, "number of entries", kMost));
  if (entries == 0) return Error{"there are no entries in it"};
  for (uint32_t i = 0; i < entries; ++i) {
    BRAID_ASSIGN(std::string name, ReadName(reader));
    BRAID_ASSIGN(const uint32_t calls, ReadLength(reader, "calls", INT32_MAX));
    BRAID_ASSIGN(const uint32_t values, ReadLength(reader, "values", kMost));
    BRAID_ASSIGN(const auto stored,
                 reader.ReadBytes(uint64_t{values} * sizeof(float)));
    if (values == 0) return Error{Format("{}: there are no values", name)};
    if (calls == 0) matrix.uncounted_ = name;
    InputSquares squares{Floats(stored),
                         {static_cast<float>(std::max(calls, 1u))}};
    BRAID_TRY(CheckNumbers(name, squares.sums));
    matrix.Add(std::move(name), std::move(squares));
  }
  if (reader.left() == 0) return matrix;
  BRAID_ASSIGN(matrix.chunk_count, ReadLength(reader, "chunks", INT32_MAX));
  BRAID_ASSIGN(std::string dataset, ReadName(reader));
  matrix.datasets.push_back(std::move(dataset));
  return matrix;
}

Result<ImportanceMatrix> ImportanceMatrix::Parse(
    std::span<const std::byte> bytes) {
  const bool is_gguf =
      bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
  return is_gguf ? ParseGguf(bytes) : ParseOld(bytes);
}

Result<ImportanceMatrix> ImportanceMatrix::Read(const std::string& path) {
  BRAID_ASSIGN(const MappedFile file, MappedFile::Open(path));
  Result<ImportanceMatrix> matrix = Parse(file.bytes());
  if (matrix.ok()) return matrix;
  return Error{
      Format("{}: no importance matrix: {}", path, matrix.error().message)};
}

Status ImportanceMatrix::Write(const std::string& path) const {
  gguf::Array texts{
      gguf::ValueType::kString,
      std::vector<std::string_view>(datasets.begin(), datasets.end())};
  gguf::Contents contents{{{"general.type", std::string_view("imatrix")},
                           {"imatrix.datasets", std::move(texts)},
                           {"imatrix.chunk_count", chunk_count},
                           {"imatrix.chunk_size", chunk_size}},
                          {}};
  for (const auto& [name, squares] : entries_) {
    const uint64_t matrices = squares.counts.size();
    contents.tensors.push_back(
        {.name = name + std::string(kSums),
         .type = gguf::TensorTypeId::kF32,
         .shape = {squares.sums.size() / matrices, matrices}});
    contents.tensors.push_back({.name = name + std::string(kCounts),
                                .type = gguf::TensorTypeId::kF32,
                                .shape = {1, matrices}});
  }
  BRAID_ASSIGN(gguf::Writer writer, gguf::Writer::Create(path, contents));
  for (const auto& [name, squares] : entries_) {
    BRAID_TRY(writer.Append(std::as_bytes(std::span(squares.sums))));
    BRAID_TRY(writer.Append(std::as_bytes(std::span(squares.counts))));
  }
  return writer.Finish();
}

Status ImportanceMatrix::WriteOld(const std::string& path) const {
  std::string bytes;
  const auto put = [&bytes](const auto& number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  const auto put_text = [&](std::string_view text) {
    put(static_cast<int32_t>(text.size()));
    bytes += text;
  };
  const auto calls = static_cast<int32_t>(std::max(chunk_count, 1u));
  put(static_cast<int32_t>(entries_.size()));
  for (const auto& [name, squares] : entries_) {
    put_text(name);
    put(calls);
    put(static_cast<int32_t>(squares.sums.size()));
    for (const float mean : Weights(name)) {
      put(mean * static_cast<float>(calls));
    }
  }
  put(calls);
  put_text(datasets.empty() ? std::string_view() : datasets.front());
  BRAID_ASSIGN(OutputFile file, OutputFile::Create(path));
  BRAID_TRY(file.Write(std::as_bytes(std::span(bytes))));
  return file.Commit();
}

void ImportanceMatrix::Add(std::string name, InputSquares squares) {
  entries_.insert_or_assign(std::move(name), std::move(squares));
}

Status ImportanceMatrix::Merge(const ImportanceMatrix& other) {
  if (is_older_ || other.is_older_) {
    return Error{"the older format counts no rows, and cannot be merged"};
  }
  for (const auto& [name, more] : other.entries_) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) continue;
    const InputSquares& squares = found->second;
    if (squares.sums.size() != more.sums.size() ||
        squares.counts.size() != more.counts.size()) {
      return Error{Format("{}: {} inputs of {} matrices and {} of {}", name,
                          squares.sums.size(), squares.counts.size(),
                          more.sums.size(), more.counts.size())};
    }
  }
  for (const auto& [name, more] : other.entries_) {
    const auto [entry, is_new] = entries_.try_emplace(name, more);
    if (is_new) continue;
    InputSquares& squares = entry->second;
    for (size_t i = 0; i < more.sums.size(); ++i) {
      squares.sums[i] += more.sums[i];
    }
    for (size_t i = 0; i < more.counts.size(); ++i) {
      squares.counts[i] += more.counts[i];
    }
  }
  datasets.insert(datasets.end(), other.datasets.begin(), other.datasets.end());
  chunk_count += other.chunk_count;
  if (chunk_size == 0) chunk_size = other.chunk_size;
  return {};
}

Status ImportanceMatrix::CountRows(uint32_t tokens) {
  constexpr float kMostRows = 1 << 24;  // whole numbers that a float holds
  if (!is_older_) return {};
  if (!uncounted_.empty()) {
    return Error{Format("{}: has no calls, so that its rows cannot be counted",
                        uncounted_)};
  }
  const auto rows = static_cast<float>(tokens);
  for (const auto& [name, squares] : entries_) {
    if (name.find("_exps.") != std::string::npos) {
      return Error{Format(
          "{}: the older format does not say how many rows each expert saw",
          name)};
    }
    const float calls = squares.counts[0];
    if (tokens < 1 || calls > kMostRows / rows) {
      return Error{Format("{}: {} calls of {} rows are not in [1, {}]", name,
                          calls, tokens, kMostRows)};
    }
    for (const float sum : squares.sums) {
      if (std::isfinite(sum * rows)) continue;
      return Error{
          Format("{}: {} times {} is no finite number", name, sum, tokens)};
    }
  }
  for (auto& [name, squares] : entries_) {
    squares.counts[0] *= rows;
    for (float& sum : squares.sums) sum *= rows;
  }
  chunk_size = tokens;
  is_older_ = false;
  return {};
}

void ImportanceMatrix::Filter(std::span<const std::string> include,
                              std::span<const std::string> exclude) {
  const auto matches = [](std::span<const std::string> parts,
                          std::string_view name) {
    return std::ranges::any_of(parts, [name](const std::string& part) {
      return name.find(part) != std::string_view::npos;
    });
  };
  std::erase_if(entries_, [&](const auto& entry) {
    const bool wanted = include.empty() || matches(include, entry.first);
    return !wanted || matches(exclude, entry.first);
  });
}

std::vector<float> ImportanceMatrix::Weights(std::string_view tensor) const {
  const auto found = entries_.find(tensor);
  if (found == entries_.end()) return {};
  const auto& [sums, counts] = found->second;
  std::vector<float> weights(sums.size());
  const size_t inputs = sums.size() / counts.size();
  for (size_t i = 0; i < weights.size(); ++i) {
    const float count = counts[i / inputs];
    weights[i] = count > 0 ? sums[i] / count : 1.0f;
  }
  return weights;
}

}  // namespace braid::quantize
