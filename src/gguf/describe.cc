#include "gguf/describe.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "gguf/finite.h"
#include "gguf/pieces.h"
#include "gguf/tensor_type.h"

namespace braid::gguf {

namespace {

// Rows of cells, printed with every column as wide as its widest cell.
class Table {
 public:
  // The columns named here are numbers and stand to the right.
  explicit Table(std::vector<size_t> right = {}) : right_(std::move(right)) {}

  void Row(std::vector<std::string> cells) {
    widths_.resize(std::max(widths_.size(), cells.size()));
    for (size_t i = 0; i < cells.size(); ++i) {
      widths_[i] = std::max(widths_[i], cells[i].size());
    }
    rows_.push_back(std::move(cells));
  }

  std::string Text() const {
    std::string text;
    for (const auto& row : rows_) {
      for (size_t i = 0; i < row.size(); ++i) {
        const bool last = i + 1 == row.size();
        const std::string space(widths_[i] - row[i].size(), ' ');
        const bool right =
            std::find(right_.begin(), right_.end(), i) != right_.end();
        if (right) text += space;
        text += row[i];
        // No blanks at the end of a line.
        if (!right && !last) text += space;
        if (!last) text += "  ";
      }
      text += '\n';
    }
    return text;
  }

 private:
  std::vector<size_t> right_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

std::string MetadataText(const File& file) {
  Table table;
  for (const KeyValue& kv : file.metadata()) {
    table.Row({std::string(kv.key), TypeText(kv.value), ValueText(kv.value)});
  }
  return table.Text();
}

std::string TensorsText(const File& file) {
  const auto tensors = file.tensors();
  const bool split = !tensors.empty() && tensors.back().part > 0;
  Table table({3, 4, 5});
  std::vector<std::string> titles = {"tensor", "type", "shape", "bytes",
                                     "offset"};
  if (split) titles.push_back("part");
  table.Row(std::move(titles));
  for (const TensorInfo& tensor : tensors) {
    std::vector<std::string> cells = {
        tensor.name, TensorTypeText(tensor.type), ShapeText(tensor.shape),
        std::to_string(tensor.size), std::to_string(tensor.offset)};
    if (split) cells.push_back(std::to_string(tensor.part + 1));
    table.Row(std::move(cells));
  }
  return table.Text();
}

// "1.5 MiB"; below one KiB, "17 B".
std::string SizeText(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[48];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value,
                kUnits[unit]);
  return text;
}

std::string TotalsText(const File& file) {
  struct Total {
    uint64_t tensors = 0;
    uint64_t elements = 0;
    uint64_t bytes = 0;
    void Add(uint64_t more_elements, uint64_t more_bytes) {
      ++tensors;
      elements += more_elements;
      bytes += more_bytes;
    }
  };
  std::map<uint32_t, Total> by_type;
  Total all;
  for (const TensorInfo& tensor : file.tensors()) {
    // A file that was accepted holds this many bytes: it does not overflow.
    const uint64_t elements = *ElementCount(tensor.shape);
    by_type[tensor.type].Add(elements, tensor.size);
    all.Add(elements, tensor.size);
  }
  Table table({1, 2, 3});
  table.Row({"type", "tensors", "parameters", "bytes"});
  const auto row = [&](std::string name, const Total& total) {
    table.Row({std::move(name), std::to_string(total.tensors),
               std::to_string(total.elements), std::to_string(total.bytes),
               SizeText(total.bytes)});
  };
  for (const auto& [type, total] : by_type) row(TensorTypeText(type), total);
  row("total", all);
  return table.Text();
}

}  // namespace

std::string Show(const File& file) {
  std::string text = Format(
      "GGUF version {}, alignment {}, {} keys, {} tensors\n", file.version(),
      file.alignment(), file.metadata().size(), file.tensors().size());
  if (!file.metadata().empty()) text.append("\n").append(MetadataText(file));
  if (!file.tensors().empty()) {
    text.append("\n").append(TensorsText(file));
    text.append("\n").append(TotalsText(file));
  }
  return text;
}

namespace {

std::string NonFiniteText(const TensorInfo& tensor, const NonFinite& found) {
  const bool plain = FindTensorType(tensor.type)->block_elements == 1;
  return Format(
      "tensor {} ({} {}): {} of its {} are NaN or infinite, the "
      "first {} element {}",
      tensor.name, TensorTypeText(tensor.type), ShapeText(tensor.shape),
      found.count, plain ? "numbers" : "block scales",
      plain ? "is" : "in the block at", found.first_element);
}

// Over the whole tensor, in pieces of whole blocks.
Result<NonFinite> SearchTensor(const File& file, const TensorInfo& tensor) {
  const TensorType& type = *FindTensorType(tensor.type);
  NonFinite all;
  uint64_t elements = 0;  // before the piece
  BRAID_TRY(ForEachPiece(
      file, tensor, type.block_bytes,
      [&](std::span<const std::byte> piece) -> Status {
        const NonFinite found = FindNonFinite(tensor.type, piece);
        if (all.count == 0) all.first_element = elements + found.first_element;
        all.count += found.count;
        elements += piece.size() / type.block_bytes * type.block_elements;
        return {};
      }));
  return all;
}

}  // namespace

Result<std::string> CheckTensors(const File& file) {
  std::string first_bad;
  size_t bad_tensors = 0;
  size_t unchecked_tensors = 0;
  for (const TensorInfo& tensor : file.tensors()) {
    if (!CanCheckFinite(tensor.type)) {
      ++unchecked_tensors;
      continue;
    }
    BRAID_ASSIGN(const NonFinite found, SearchTensor(file, tensor));
    if (found.count == 0) continue;
    if (++bad_tensors == 1) first_bad = NonFiniteText(tensor, found);
  }
  if (bad_tensors > 1) {
    first_bad += Format("; {} more tensors have such numbers", bad_tensors - 1);
  }
  if (bad_tensors > 0) return Error{first_bad};
  std::string text = Format("{} keys, {} tensors: ok", file.metadata().size(),
                            file.tensors().size());
  if (unchecked_tensors > 0) {
    text += Format(" ({} of codebook types not searched for NaN)",
                   unchecked_tensors);
  }
  return text;
}

Result<std::string> Check(const std::string& path) {
  BRAID_ASSIGN(const File file, File::Open(path));
  const Result<std::string> checked = CheckTensors(file);
  if (!checked.ok()) {
    return Error{Format("{}: {}", path, checked.error().message)};
  }
  return Format("{}: {}", path, *checked);
}

}  // namespace braid::gguf
