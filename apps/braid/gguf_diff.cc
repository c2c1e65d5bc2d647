#include "apps/braid/gguf_diff.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <span>
#include <type_traits>

#include "base/format.h"
#include "gguf/tensor_type.h"
#include "gguf/value.h"
#include "tensor/codec.h"

namespace braid::cli {

namespace {

using gguf::Array;
using gguf::File;
using gguf::KeyValue;
using gguf::TensorInfo;
using gguf::Value;

// Elements that are decoded at a time: a MiB of floats, and whole blocks of
// every type.
constexpr uint64_t kPieceElements = 1 << 18;

bool SameArray(const Array& a, const Array& b);

// A NaN is the same as itself, and 0 is not -0: files are compared, not
// numbers.
template <class T>
bool Same(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, Array>) {
    return SameArray(a, b);
  } else if constexpr (std::is_same_v<T, float>) {
    return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
  } else {
    return a == b;
  }
}

// The reader bounds how deep arrays nest.
bool SameArray(const Array& a, const Array& b) {
  if (a.type != b.type || a.elements.index() != b.elements.index()) {
    return false;
  }
  return std::visit(
      [&](const auto& elements) {
        const auto& others =
            std::get<std::decay_t<decltype(elements)>>(b.elements);
        return std::ranges::equal(elements, others,
                                  [](const auto& element, const auto& other) {
                                    return Same(element, other);
                                  });
      },
      a.elements);
}

bool SameValue(const Value& a, const Value& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& held) {
        return Same(held, std::get<std::decay_t<decltype(held)>>(b));
      },
      a);
}

bool SaysHowItIsCut(const KeyValue& kv) { return kv.key.starts_with("split."); }

void CompareMetadata(const File& a, const File& b, GgufDiff& diff) {
  std::map<std::string_view, const KeyValue*> in_b;
  for (const KeyValue& kv : b.metadata()) {
    if (!SaysHowItIsCut(kv)) in_b.emplace(kv.key, &kv);
  }
  for (const KeyValue& kv : a.metadata()) {
    if (SaysHowItIsCut(kv)) continue;
    const auto other = in_b.find(kv.key);
    if (other == in_b.end()) {
      diff.keys_only_in_a.push_back(&kv);
      continue;
    }
    if (SameValue(kv.value, other->second->value)) {
      ++diff.equal_keys;
    } else {
      diff.changed_keys.emplace_back(&kv, other->second);
    }
  }
  for (const KeyValue& kv : b.metadata()) {
    if (!SaysHowItIsCut(kv) && a.Find(kv.key) == nullptr) {
      diff.keys_only_in_b.push_back(&kv);
    }
  }
}

// Walks the elements of a tensor in pieces.
class ElementReader {
 public:
  ElementReader(const File& file, const TensorInfo& tensor, DType type)
      : file_(file),
        tensor_(tensor),
        type_(type),
        data_(file.Data(tensor)),
        values_(kPieceElements) {}

  // The next `elements`, a multiple of the type's block.
  std::span<const float> Next(int64_t elements) {
    const auto piece = data_.first(RowBytes(type_, elements));
    DecodeRow(type_, piece.data(), elements, values_.data());
    file_.Release(tensor_, piece);
    data_ = data_.subspan(piece.size());
    return std::span(values_).first(static_cast<size_t>(elements));
  }

 private:
  const File& file_;
  const TensorInfo& tensor_;
  const DType type_;
  std::span<const std::byte> data_;
  std::vector<float> values_;
};

// Sums of a tensor's elements, in double and in the order of the elements.
class DifferenceSums {
 public:
  void Add(float a, float b) {
    ++result_.elements;
    if (!std::isfinite(a) || !std::isfinite(b)) {
      const bool same = Same(a, b) || (std::isnan(a) && std::isnan(b));
      result_.non_finite += same ? 0 : 1;
      return;
    }
    ++finite_;
    const double x = a;
    const double y = b;
    squares_ += x * x;
    if (a == b) return;
    const double distance = std::abs(x - y);
    const double size = std::max(std::abs(x), std::abs(y));
    ++result_.different;
    squared_distances_ += distance * distance;
    result_.max_absolute = std::max(result_.max_absolute, distance);
    result_.max_relative = std::max(result_.max_relative, distance / size);
  }

  ValueDifference Result() const {
    ValueDifference result = result_;
    if (finite_ > 0) {
      result.rmse =
          std::sqrt(squared_distances_ / static_cast<double>(finite_));
    }
    if (squares_ > 0) {
      result.relative_rmse = std::sqrt(squared_distances_ / squares_);
    }
    return result;
  }

 private:
  ValueDifference result_;
  uint64_t finite_ = 0;
  double squares_ = 0;
  double squared_distances_ = 0;
};

// One tensor that both files have.
class TensorComparison {
 public:
  TensorComparison(const File& a, const TensorInfo& in_a, const File& b,
                   const TensorInfo& in_b)
      : a_(a), in_a_(in_a), b_(b), in_b_(in_b) {}

  bool SameKind() const {
    return in_a_.type == in_b_.type && in_a_.shape == in_b_.shape;
  }

  bool SameBytes() const {
    constexpr size_t kBytes = kPieceElements * sizeof(float);
    std::span<const std::byte> one = a_.Data(in_a_);
    std::span<const std::byte> other = b_.Data(in_b_);
    if (one.size() != other.size()) return false;
    while (!one.empty()) {
      const size_t bytes = std::min(kBytes, one.size());
      if (std::memcmp(one.data(), other.data(), bytes) != 0) return false;
      a_.Release(in_a_, one.first(bytes));
      b_.Release(in_b_, other.first(bytes));
      one = one.subspan(bytes);
      other = other.subspan(bytes);
    }
    return true;
  }

  std::optional<ValueDifference> Values() const {
    const auto type_a = DTypeFromId(in_a_.type);
    const auto type_b = DTypeFromId(in_b_.type);
    const auto count = gguf::ElementCount(in_a_.shape);
    if (!type_a.ok() || !type_b.ok() || !count.ok() ||
        in_a_.shape != in_b_.shape) {
      return std::nullopt;
    }
    ElementReader reader_a(a_, in_a_, *type_a);
    ElementReader reader_b(b_, in_b_, *type_b);
    DifferenceSums sums;
    for (uint64_t done = 0; done < *count; done += kPieceElements) {
      const auto elements =
          static_cast<int64_t>(std::min(kPieceElements, *count - done));
      const std::span<const float> one = reader_a.Next(elements);
      const std::span<const float> other = reader_b.Next(elements);
      for (size_t i = 0; i < one.size(); ++i) sums.Add(one[i], other[i]);
    }
    return sums.Result();
  }

 private:
  const File& a_;
  const TensorInfo& in_a_;
  const File& b_;
  const TensorInfo& in_b_;
};

void CompareTensors(const File& a, const File& b,
                    const GgufDiffOptions& options, GgufDiff& diff) {
  double bytes = 0;
  for (const TensorInfo& tensor : a.tensors()) {
    bytes += static_cast<double>(tensor.size);
  }
  double done = 0;
  for (const TensorInfo& tensor : a.tensors()) {
    const TensorInfo* const other = b.FindTensor(tensor.name);
    if (other == nullptr) {
      diff.tensors_only_in_a.push_back(&tensor);
    } else {
      const TensorComparison comparison(a, tensor, b, *other);
      if (comparison.SameKind() &&
          (!options.values || comparison.SameBytes())) {
        ++diff.equal_tensors;
      } else {
        diff.different_tensors.push_back(
            {.a = &tensor,
             .b = other,
             .values = options.values ? comparison.Values() : std::nullopt});
      }
    }
    done += static_cast<double>(tensor.size);
    if (options.progress) options.progress(done / bytes);
  }
  for (const TensorInfo& tensor : b.tensors()) {
    if (a.FindTensor(tensor.name) == nullptr) {
      diff.tensors_only_in_b.push_back(&tensor);
    }
  }
}

// Four digits are what a person compares.
std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string KindText(const TensorInfo& tensor) {
  return Format("{} {}", gguf::TensorTypeText(tensor.type),
                gguf::ShapeText(tensor.shape));
}

std::string TypedText(const Value& value) {
  return Format("{} {}", TypeText(value), ValueText(value));
}

std::string NameText(std::string_view name) { return gguf::Quoted(name, 80); }

std::string ValuesText(const TensorDifference& tensor) {
  const bool same_type = tensor.a->type == tensor.b->type;
  if (tensor.a->shape != tensor.b->shape) return "another shape";
  if (!tensor.values) {
    return same_type ? "other bytes" : "values not compared";
  }
  const ValueDifference& values = *tensor.values;
  if (values.different == 0 && values.non_finite == 0) {
    return same_type ? "other bytes, equal values" : "equal values";
  }
  std::string text =
      Format("{} of {} values differ, max abs {}, max rel {}, RMSE {} ({} %)",
             values.different, values.elements, Number(values.max_absolute),
             Number(values.max_relative), Number(values.rmse),
             Number(100 * values.relative_rmse));
  if (values.non_finite > 0) {
    text += Format(", {} NaN or infinite in one only", values.non_finite);
  }
  return text;
}

std::string TensorText(const TensorDifference& tensor) {
  const std::string one = KindText(*tensor.a);
  const std::string other = KindText(*tensor.b);
  return Format("~ {}: {}: {}\n", NameText(tensor.a->name),
                one == other ? one : Format("{} -> {}", one, other),
                ValuesText(tensor));
}

}  // namespace

bool GgufDiff::Equal() const {
  return keys_only_in_a.empty() && keys_only_in_b.empty() &&
         changed_keys.empty() && tensors_only_in_a.empty() &&
         tensors_only_in_b.empty() && different_tensors.empty();
}

GgufDiff CompareGguf(const File& a, const File& b,
                     const GgufDiffOptions& options) {
  GgufDiff diff;
  diff.values_read = options.values;
  CompareMetadata(a, b, diff);
  CompareTensors(a, b, options, diff);
  return diff;
}

std::string DiffText(const GgufDiff& diff) {
  std::string text = Format(
      "metadata: {} equal, {} only in the first, {} only in the second, {} "
      "changed\n",
      diff.equal_keys, diff.keys_only_in_a.size(), diff.keys_only_in_b.size(),
      diff.changed_keys.size());
  for (const KeyValue* const kv : diff.keys_only_in_a) {
    text += Format("- {}: {}\n", NameText(kv->key), TypedText(kv->value));
  }
  for (const KeyValue* const kv : diff.keys_only_in_b) {
    text += Format("+ {}: {}\n", NameText(kv->key), TypedText(kv->value));
  }
  for (const auto& [one, other] : diff.changed_keys) {
    text += Format("~ {}: {} -> {}\n", NameText(one->key),
                   TypedText(one->value), TypedText(other->value));
  }
  text += Format(
      "tensors{}: {} equal, {} only in the first, {} only in the second, {} "
      "different\n",
      diff.values_read ? "" : " (types and shapes)", diff.equal_tensors,
      diff.tensors_only_in_a.size(), diff.tensors_only_in_b.size(),
      diff.different_tensors.size());
  for (const TensorInfo* const tensor : diff.tensors_only_in_a) {
    text += Format("- {}: {}\n", NameText(tensor->name), KindText(*tensor));
  }
  for (const TensorInfo* const tensor : diff.tensors_only_in_b) {
    text += Format("+ {}: {}\n", NameText(tensor->name), KindText(*tensor));
  }
  for (const TensorDifference& tensor : diff.different_tensors) {
    text += TensorText(tensor);
  }
  return text;
}

}  // namespace braid::cli
