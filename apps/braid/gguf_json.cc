#include "apps/braid/gguf_json.h"

#include <charconv>
#include <cmath>
#include <type_traits>

#include "apps/braid/json_text.h"
#include "base/format.h"
#include "gguf/tensor_type.h"

namespace braid::cli {

namespace {

using gguf::Array;
using gguf::Value;

// Collects the members of an object or the elements of an array.
class List {
 public:
  explicit List(std::string_view brackets) : brackets_(brackets) {
    text_ = brackets_[0];
  }
  void Add(std::string_view element) {
    if (text_.size() > 1) text_ += ", ";
    text_ += element;
  }
  void Add(std::string_view name, std::string_view value) {
    Add(Format("{}: {}", JsonText(name), value));
  }
  std::string Text() const { return text_ + brackets_[1]; }

 private:
  std::string_view brackets_;
  std::string text_;
};

constexpr std::string_view kObject = "{}";
constexpr std::string_view kArray = "[]";

template <class T>
std::string NumberJson(T number) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(number)) return "\"nan\"";
    if (std::isinf(number)) return number > 0 ? "\"inf\"" : "\"-inf\"";
    // Through double, 0.1f would print as 0.10000000149011612.
    char text[32];
    return std::string(text,
                       std::to_chars(text, text + sizeof text, number).ptr);
  } else {
    return Format("{}", number);
  }
}

// The reader bounds how deep arrays nest.
std::string ArrayJson(const Array& array) {
  List list(kArray);
  const auto append = [&](const auto& elements) {
    for (const auto& element : elements) {
      using T = std::decay_t<decltype(element)>;
      if constexpr (std::is_same_v<T, Array>) {
        list.Add(ArrayJson(element));
      } else if constexpr (std::is_same_v<T, std::string_view>) {
        list.Add(JsonText(element));
      } else if (array.type == gguf::ValueType::kBool) {
        list.Add(element != 0 ? "true" : "false");
      } else {
        list.Add(NumberJson(element));
      }
    }
  };
  std::visit(append, array.elements);
  return list.Text();
}

std::string ValueJson(const Value& value) {
  const auto text = [](const auto& held) -> std::string {
    using T = std::decay_t<decltype(held)>;
    if constexpr (std::is_same_v<T, Array>) {
      return ArrayJson(held);
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      return JsonText(held);
    } else {
      return NumberJson(held);
    }
  };
  return std::visit(text, value);
}

std::string TypedValueJson(const Value& value) {
  List object(kObject);
  object.Add("type", JsonText(Name(TypeOf(value))));
  if (const Array* const array = std::get_if<Array>(&value)) {
    object.Add("element_type", JsonText(Name(array->type)));
  }
  object.Add("value", ValueJson(value));
  return object.Text();
}

std::string ShapeJson(const gguf::TensorInfo& tensor) {
  List shape(kArray);
  for (const uint64_t size : tensor.shape) shape.Add(NumberJson(size));
  return shape.Text();
}

std::string TensorJson(const gguf::TensorInfo& tensor) {
  List object(kObject);
  object.Add("name", JsonText(tensor.name));
  object.Add("type", JsonText(gguf::TensorTypeText(tensor.type)));
  object.Add("shape", ShapeJson(tensor));
  object.Add("bytes", NumberJson(tensor.size));
  object.Add("offset", NumberJson(tensor.offset));
  object.Add("part", NumberJson(tensor.part + 1));
  return object.Text();
}

std::string PairJson(std::string_view a, std::string_view b) {
  List list(kArray);
  list.Add(a);
  list.Add(b);
  return list.Text();
}

std::string KeysJson(const std::vector<const gguf::KeyValue*>& keys) {
  List object(kObject);
  for (const gguf::KeyValue* const kv : keys) {
    object.Add(kv->key, TypedValueJson(kv->value));
  }
  return object.Text();
}

std::string TensorsJson(const std::vector<const gguf::TensorInfo*>& tensors) {
  List list(kArray);
  for (const gguf::TensorInfo* const tensor : tensors) {
    list.Add(TensorJson(*tensor));
  }
  return list.Text();
}

std::string ValueDifferenceJson(const ValueDifference& values) {
  List object(kObject);
  object.Add("elements", NumberJson(values.elements));
  object.Add("different", NumberJson(values.different));
  object.Add("non_finite", NumberJson(values.non_finite));
  object.Add("max_absolute", NumberJson(values.max_absolute));
  object.Add("max_relative", NumberJson(values.max_relative));
  object.Add("rmse", NumberJson(values.rmse));
  object.Add("relative_rmse", NumberJson(values.relative_rmse));
  return object.Text();
}

std::string TensorDifferenceJson(const TensorDifference& tensor) {
  List object(kObject);
  object.Add("name", JsonText(tensor.a->name));
  object.Add("types", PairJson(JsonText(gguf::TensorTypeText(tensor.a->type)),
                               JsonText(gguf::TensorTypeText(tensor.b->type))));
  object.Add("shapes", PairJson(ShapeJson(*tensor.a), ShapeJson(*tensor.b)));
  object.Add("values",
             tensor.values ? ValueDifferenceJson(*tensor.values) : "null");
  return object.Text();
}

std::string MetadataDiffJson(const GgufDiff& diff) {
  List changed(kObject);
  for (const auto& [one, other] : diff.changed_keys) {
    changed.Add(one->key, PairJson(TypedValueJson(one->value),
                                   TypedValueJson(other->value)));
  }
  List object(kObject);
  object.Add("equal", NumberJson(diff.equal_keys));
  object.Add("removed", KeysJson(diff.keys_only_in_a));
  object.Add("added", KeysJson(diff.keys_only_in_b));
  object.Add("changed", changed.Text());
  return object.Text();
}

std::string TensorDiffJson(const GgufDiff& diff) {
  List different(kArray);
  for (const TensorDifference& tensor : diff.different_tensors) {
    different.Add(TensorDifferenceJson(tensor));
  }
  List object(kObject);
  object.Add("equal", NumberJson(diff.equal_tensors));
  object.Add("removed", TensorsJson(diff.tensors_only_in_a));
  object.Add("added", TensorsJson(diff.tensors_only_in_b));
  object.Add("different", different.Text());
  return object.Text();
}

std::string PartsJson(const std::vector<FileUse::Part>& parts) {
  const auto use = [](FileUse::Kind kind) {
    switch (kind) {
      case FileUse::Kind::kRead:
        return "read";
      case FileUse::Kind::kIgnored:
        return "ignored";
      case FileUse::Kind::kLeftOver:
        return "left over";
    }
    return "";
  };
  List list(kArray);
  for (const FileUse::Part& part : parts) {
    List object(kObject);
    object.Add("name", JsonText(part.name));
    object.Add("use", JsonText(use(part.kind)));
    object.Add("reason", part.reason.empty() ? "null" : JsonText(part.reason));
    list.Add(object.Text());
  }
  return list.Text();
}

std::string FileUseJson(const FileUse& use) {
  List object(kObject);
  object.Add("architecture", JsonText(use.architecture));
  object.Add("keys", PartsJson(use.keys));
  object.Add("tensors", PartsJson(use.tensors));
  return object.Text();
}

}  // namespace

std::string ShowJson(const gguf::File& file, const std::string& path) {
  List metadata(kObject);
  for (const gguf::KeyValue& kv : file.metadata()) {
    metadata.Add(kv.key, TypedValueJson(kv.value));
  }
  List tensors(kArray);
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    tensors.Add(TensorJson(tensor));
  }
  List document(kObject);
  document.Add("file", JsonText(path));
  document.Add("version", NumberJson(file.version()));
  document.Add("alignment", NumberJson(file.alignment()));
  document.Add("parts", NumberJson(file.parts()));
  document.Add("metadata", metadata.Text());
  document.Add("tensors", tensors.Text());
  return document.Text() + "\n";
}

std::string CheckJson(const Result<std::string>& checked,
                      const std::string& path, const FileUse* use) {
  List document(kObject);
  document.Add("file", JsonText(path));
  document.Add("ok", checked.ok() ? "true" : "false");
  document.Add("message",
               JsonText(checked.ok() ? *checked : checked.error().message));
  if (use != nullptr) document.Add("model", FileUseJson(*use));
  return document.Text() + "\n";
}

std::string HashJson(const gguf::ModelHash& hash, const std::string& path) {
  List tensors(kArray);
  for (const gguf::NamedHash& tensor : hash.tensors) {
    List object(kObject);
    object.Add("name", JsonText(tensor.name));
    object.Add("digest", JsonText(tensor.hex));
    tensors.Add(object.Text());
  }
  List document(kObject);
  document.Add("file", JsonText(path));
  document.Add("hash", JsonText(Name(hash.kind)));
  document.Add("tensors", tensors.Text());
  document.Add("digest", JsonText(hash.whole));
  return document.Text() + "\n";
}

std::string SplitJson(const std::vector<gguf::PlannedPart>& parts,
                      const std::string& path, bool written) {
  List list(kArray);
  for (const gguf::PlannedPart& part : parts) {
    List object(kObject);
    object.Add("file", JsonText(part.path));
    object.Add("tensors", NumberJson(part.tensors));
    object.Add("bytes", NumberJson(part.bytes));
    list.Add(object.Text());
  }
  List document(kObject);
  document.Add("file", JsonText(path));
  document.Add("written", written ? "true" : "false");
  document.Add("parts", list.Text());
  return document.Text() + "\n";
}

std::string DiffJson(const GgufDiff& diff) {
  List document(kObject);
  document.Add("equal", diff.Equal() ? "true" : "false");
  document.Add("values_read", diff.values_read ? "true" : "false");
  document.Add("metadata", MetadataDiffJson(diff));
  document.Add("tensors", TensorDiffJson(diff));
  return document.Text() + "\n";
}

}  // namespace braid::cli
