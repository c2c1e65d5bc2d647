#include "gguf/file.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "gguf/conversion.h"
#include "gguf/name_index.h"
#include "gguf/part.h"
#include "gguf/split.h"

namespace braid::gguf {

namespace {

// A parsed part and the memory that it lives in.
struct Source {
  MappedFile mapping;             // empty when the caller owns the bytes
  std::vector<std::byte> header;  // what `part` points into; empty likewise
  std::span<const std::byte> bytes;
  std::string path;  // empty when the caller owns the bytes
  Part part;
  Split split;

  std::span<const std::byte> data() const {
    const uint64_t begin = std::min<uint64_t>(part.data_begin, bytes.size());
    return bytes.subspan(static_cast<size_t>(begin));
  }
};

Result<Source> ParseSource(std::span<const std::byte> bytes) {
  Source source;
  source.bytes = bytes;
  BRAID_ASSIGN(source.part, ReadPart(bytes, bytes.size()));
  BRAID_ASSIGN(source.split, ReadSplit(source.part));
  return source;
}

// Metadata lives as long as a model, and is looked at at any time: it moves to
// memory of its own.
Status CopyHeader(const std::string& path, const MappedFile& mapping,
                  Source& source) {
  const size_t size = mapping.bytes().size() - source.data().size();
  source.header.resize(size);
  if (!mapping.Read(mapping.bytes().first(size), source.header.data())) {
    return Error{
        Format("{}: its first {} bytes could not be read: was it cut "
               "short meanwhile?",
               path, size)};
  }
  Result<Part> part = ReadPart(source.header, mapping.bytes().size());
  if (!part.ok()) return Error{Format("{}: {}", path, part.error().message)};
  source.part = std::move(*part);
  return {};
}

Result<Source> OpenSource(const std::string& path) {
  BRAID_ASSIGN(MappedFile mapping, MappedFile::Open(path));
  Result<Source> source = ParseSource(mapping.bytes());
  if (!source.ok()) {
    return Error{Format("{}: {}", path, source.error().message)};
  }
  BRAID_TRY(CopyHeader(path, mapping, *source));
  source->mapping = std::move(mapping);
  source->path = path;
  return source;
}

// Does `other` say that it is part `number` of the set that `first` begins?
Status CheckSameSet(const Source& first, const Source& other, int64_t number) {
  if (other.split.number != number) {
    return Error{Format("{}: split.no is {}, expected {}", other.path,
                        other.split.number, number)};
  }
  if (other.split.count != first.split.count) {
    return Error{Format("{}: split.count is {}, in the first part it is {}",
                        other.path, other.split.count, first.split.count)};
  }
  if (other.split.tensors != first.split.tensors) {
    const auto text = [](const std::optional<int64_t>& tensors) {
      return tensors ? std::to_string(*tensors) : std::string("missing");
    };
    return Error{Format(
        "{}: split.tensors.count is {}, in the first part it is {}", other.path,
        text(other.split.tensors), text(first.split.tensors))};
  }
  return {};
}

// Opens the parts that follow `sources[0]`.
Status OpenOtherParts(std::vector<Source>* sources) {
  const std::string first_path = sources->front().path;
  const Split split = sources->front().split;
  if (split.number != 0) {
    return Error{Format("{}: is part {} of {}; open the first", first_path,
                        split.number + 1, split.count)};
  }
  for (int64_t number = 1; number < split.count; ++number) {
    BRAID_ASSIGN(const std::string path,
                 SplitPath(first_path, number, split.count));
    BRAID_ASSIGN(Source source, OpenSource(path));
    BRAID_TRY(CheckSameSet(sources->front(), source, number));
    sources->push_back(std::move(source));
  }
  size_t tensors = 0;
  for (const Source& source : *sources) tensors += source.part.tensors.size();
  if (split.tensors && !std::cmp_equal(tensors, *split.tensors)) {
    return Error{
        Format("{}: split.tensors.count is {}, but the {} parts hold "
               "{} tensors",
               first_path, *split.tensors, split.count, tensors)};
  }
  return {};
}

}  // namespace

struct File::Impl {
  std::vector<Source> sources;  // at least one
  std::vector<TensorInfo> tensors;
  NameIndex key_index;
  NameIndex tensor_index;

  static Result<std::unique_ptr<Impl>> Make(std::vector<Source> sources);
};

Result<std::unique_ptr<File::Impl>> File::Impl::Make(
    std::vector<Source> sources) {
  auto impl = std::make_unique<Impl>();
  impl->sources = std::move(sources);
  for (size_t i = 0; i < impl->sources.size(); ++i) {
    for (TensorInfo& tensor : impl->sources[i].part.tensors) {
      tensor.part = static_cast<int>(i);
      impl->tensors.push_back(std::move(tensor));
    }
    impl->sources[i].part.tensors.clear();
  }
  impl->key_index = NameIndex(impl->sources[0].part.metadata,
                              [](const auto& kv) { return kv.key; });
  impl->tensor_index = NameIndex(
      impl->tensors, [](const auto& t) { return std::string_view(t.name); });
  if (const auto twice = impl->tensor_index.Duplicate()) {
    const TensorInfo& a = impl->tensors[twice->first];
    const TensorInfo& b = impl->tensors[twice->second];
    return Error{Format("tensor {} is in {} and in {}", a.name,
                        impl->sources[a.part].path,
                        impl->sources[b.part].path)};
  }
  return impl;
}

File::File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;
File::~File() = default;

Result<File> File::Open(const std::string& path) {
  std::vector<Source> sources;
  BRAID_ASSIGN(Source first, OpenSource(path));
  sources.push_back(std::move(first));
  BRAID_TRY(OpenOtherParts(&sources));
  BRAID_ASSIGN(auto impl, Impl::Make(std::move(sources)));
  return File(std::move(impl));
}

Result<File> File::Parse(std::span<const std::byte> bytes) {
  std::vector<Source> sources;
  BRAID_ASSIGN(Source source, ParseSource(bytes));
  if (source.split.count > 1) {
    return Error{
        Format("the file is part {} of {}; a split set can only be opened by "
               "its path",
               source.split.number + 1, source.split.count)};
  }
  sources.push_back(std::move(source));
  BRAID_ASSIGN(auto impl, Impl::Make(std::move(sources)));
  return File(std::move(impl));
}

uint32_t File::version() const { return impl_->sources[0].part.version; }
uint64_t File::alignment() const { return impl_->sources[0].part.alignment; }
size_t File::parts() const { return impl_->sources.size(); }

std::span<const KeyValue> File::metadata() const {
  return impl_->sources[0].part.metadata;
}

const Value* File::Find(std::string_view key) const {
  const auto place = impl_->key_index.Find(key);
  return place ? &metadata()[*place].value : nullptr;
}

namespace {

template <class T>
using Conversion = Result<T> (*)(std::string_view key, const Value& value);

template <class T>
Result<T> Get(const File& file, std::string_view key, Conversion<T> convert) {
  const Value* const value = file.Find(key);
  if (value == nullptr) return Error{Format("key {} is missing", key)};
  return convert(key, *value);
}

template <class T>
Result<T> Get(const File& file, std::string_view key, Conversion<T> convert,
              T if_missing) {
  const Value* const value = file.Find(key);
  return value == nullptr ? Result<T>(if_missing) : convert(key, *value);
}

}  // namespace

Result<int64_t> File::GetInt(std::string_view key) const {
  return Get(*this, key, ToInt);
}
Result<double> File::GetFloat(std::string_view key) const {
  return Get(*this, key, ToFloat);
}
Result<bool> File::GetBool(std::string_view key) const {
  return Get(*this, key, ToBool);
}
Result<std::string_view> File::GetString(std::string_view key) const {
  return Get(*this, key, ToString);
}

Result<int64_t> File::GetInt(std::string_view key, int64_t if_missing) const {
  return Get(*this, key, ToInt, if_missing);
}
Result<double> File::GetFloat(std::string_view key, double if_missing) const {
  return Get(*this, key, ToFloat, if_missing);
}
Result<bool> File::GetBool(std::string_view key, bool if_missing) const {
  return Get(*this, key, ToBool, if_missing);
}
Result<std::string_view> File::GetString(std::string_view key,
                                         std::string_view if_missing) const {
  return Get(*this, key, ToString, if_missing);
}

std::span<const TensorInfo> File::tensors() const { return impl_->tensors; }

const TensorInfo* File::FindTensor(std::string_view name) const {
  const auto place = impl_->tensor_index.Find(name);
  return place ? &impl_->tensors[*place] : nullptr;
}

std::span<const std::byte> File::Data(const TensorInfo& tensor) const {
  BRAID_CHECK(std::cmp_less(tensor.part, impl_->sources.size()));
  const auto data = impl_->sources[tensor.part].data();
  BRAID_CHECK(tensor.offset <= data.size() &&
              tensor.size <= data.size() - tensor.offset);
  return data.subspan(tensor.offset, tensor.size);
}

Status File::Read(const TensorInfo& tensor, std::span<const std::byte> piece,
                  std::byte* to) const {
  const Source& source = impl_->sources[tensor.part];
  if (source.mapping.bytes().empty()) {
    std::copy(piece.begin(), piece.end(), to);
    return {};
  }
  if (source.mapping.Read(piece, to)) return {};
  return Error{
      Format("{}: {} of the {} bytes of {} could not be read: was the file cut "
             "short since it was opened?",
             source.path, piece.size(), tensor.size, tensor.name)};
}

void File::Release(const TensorInfo& tensor) const {
  Release(tensor, Data(tensor));
}

void File::Release(const TensorInfo& tensor,
                   std::span<const std::byte> piece) const {
  const MappedFile& mapping = impl_->sources[tensor.part].mapping;
  // Memory that the caller owns is not ours to give back.
  if (!mapping.bytes().empty()) mapping.Release(piece);
}

const MappedFile* File::Mapping(const TensorInfo& tensor) const {
  const MappedFile& mapping = impl_->sources[tensor.part].mapping;
  return mapping.bytes().empty() ? nullptr : &mapping;
}

}  // namespace braid::gguf
