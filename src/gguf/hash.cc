#include "gguf/hash.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "gguf/name_index.h"
#include "gguf/pieces.h"
#include "gguf/value.h"

namespace braid::gguf {

Result<ModelHash> HashTensors(const File& file, HashKind kind) {
  ModelHash hash;
  hash.kind = kind;
  Hasher whole(kind);
  for (const TensorInfo& tensor : file.tensors()) {
    Hasher hasher(kind);
    BRAID_TRY(ForEachPiece(file, tensor, 1,
                           [&](std::span<const std::byte> piece) -> Status {
                             hasher.Add(piece);
                             whole.Add(piece);
                             return {};
                           }));
    hash.tensors.push_back({tensor.name, hasher.Finish()});
  }
  hash.whole = whole.Finish();
  return hash;
}

std::string ManifestText(const ModelHash& hash, std::string_view label) {
  std::string text;
  for (const NamedHash& tensor : hash.tensors) {
    text += Format("{}  {}  {}:{}\n", Name(hash.kind), tensor.hex, label,
                   tensor.name);
  }
  return text + Format("{}  {}  {}\n", Name(hash.kind), hash.whole, label);
}

namespace {

// What a message quotes of a manifest.
constexpr size_t kQuotedBytes = 80;

struct Line {
  size_t number = 0;  // from 1
  HashKind kind = HashKind::kXxh64;
  std::string_view hex;
  std::string_view name;  // of the model, or model:tensor
};

// Takes a word off the front of `text`, and the blanks around it.
std::string_view TakeWord(std::string_view* text) {
  constexpr std::string_view kBlanks = " \t";
  text->remove_prefix(std::min(text->find_first_not_of(kBlanks), text->size()));
  const std::string_view word = text->substr(0, text->find_first_of(kBlanks));
  text->remove_prefix(word.size());
  text->remove_prefix(std::min(text->find_first_not_of(kBlanks), text->size()));
  return word;
}

bool IsLowerHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Nothing for a blank line.
Result<std::optional<Line>> ParseLine(std::string_view text, size_t number) {
  Line line;
  line.number = number;
  const std::string_view kind_name = TakeWord(&text);
  if (kind_name.empty()) return std::optional<Line>();
  const std::optional<HashKind> kind = FindHashKind(kind_name);
  if (!kind) {
    return Error{Format("line {}: hash {} is not known, only {} and {}", number,
                        Quoted(kind_name, kQuotedBytes), Name(HashKind::kXxh64),
                        Name(HashKind::kSha256))};
  }
  line.kind = *kind;
  line.hex = TakeWord(&text);
  line.name = text;
  if (line.hex.size() != HexDigits(*kind) || !IsLowerHex(line.hex)) {
    return Error{Format(
        "line {}: {} is not a {} hash of {} digits in lower case", number,
        Quoted(line.hex, kQuotedBytes), kind_name, HexDigits(*kind))};
  }
  if (line.name.empty()) {
    return Error{Format("line {}: the name is missing", number)};
  }
  return std::optional<Line>(line);
}

// `lines` are of one kind, at least one.
Result<ModelHash> ParseModel(std::span<const Line> lines) {
  const Line& last = lines.back();
  ModelHash hash;
  hash.kind = last.kind;
  hash.whole = last.hex;
  for (const Line& line : lines.first(lines.size() - 1)) {
    std::string_view name = line.name;
    if (!name.starts_with(last.name) ||
        !name.substr(last.name.size()).starts_with(':')) {
      return Error{Format("line {}: {} is no tensor of {}, which line {} names",
                          line.number, Quoted(name, kQuotedBytes),
                          Quoted(last.name, kQuotedBytes), last.number)};
    }
    name.remove_prefix(last.name.size() + 1);
    hash.tensors.push_back({std::string(name), std::string(line.hex)});
  }
  const NameIndex index(hash.tensors,
                        [](const auto& t) { return std::string_view(t.name); });
  if (const auto twice = index.Duplicate()) {
    return Error{Format("tensor {} occurs twice, in line {} and {}",
                        Quoted(hash.tensors[twice->first].name, kQuotedBytes),
                        lines[twice->first].number,
                        lines[twice->second].number)};
  }
  return hash;
}

}  // namespace

Result<std::vector<ModelHash>> ParseManifest(std::string_view text) {
  std::vector<Line> lines;
  for (size_t number = 1; !text.empty(); ++number) {
    std::string_view line_text = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line_text.size() + 1, text.size()));
    while (line_text.ends_with('\r')) line_text.remove_suffix(1);
    BRAID_ASSIGN(const auto line, ParseLine(line_text, number));
    if (line) lines.push_back(*line);
  }
  if (lines.empty()) return Error{"the manifest is empty"};
  // llama-gguf-hash mixes the kinds of one tensor.
  std::vector<ModelHash> hashes;
  for (const HashKind kind : {HashKind::kXxh64, HashKind::kSha256}) {
    std::vector<Line> of_kind;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(of_kind),
                 [&](const Line& line) { return line.kind == kind; });
    if (of_kind.empty()) continue;
    BRAID_ASSIGN(ModelHash hash, ParseModel(of_kind));
    hashes.push_back(std::move(hash));
  }
  return hashes;
}

namespace {

bool SameOrder(const ModelHash& a, const ModelHash& b) {
  return std::equal(
      a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
      [](const auto& x, const auto& y) { return x.name == y.name; });
}

// Collects differences; keeps the text of the first.
class Differences {
 public:
  void Add(std::string text) {
    if (++count_ == 1) first_ = std::move(text);
  }
  Status Summary() const {
    if (count_ == 0) return {};
    if (count_ == 1) return Error{first_};
    return Error{Format("{}; {} more differences", first_, count_ - 1)};
  }

 private:
  size_t count_ = 0;
  std::string first_;
};

}  // namespace

Status CompareHashes(const ModelHash& expected, const ModelHash& found) {
  BRAID_CHECK(expected.kind == found.kind);
  const auto name_of = [](const auto& t) { return std::string_view(t.name); };
  const NameIndex found_index(found.tensors, name_of);
  const NameIndex expected_index(expected.tensors, name_of);
  Differences differences;
  for (const NamedHash& tensor : expected.tensors) {
    const auto place = found_index.Find(tensor.name);
    if (!place) {
      differences.Add(Format("tensor {}: in the manifest, not in the file",
                             Quoted(tensor.name, kQuotedBytes)));
    } else if (found.tensors[*place].hex != tensor.hex) {
      differences.Add(Format("tensor {}: {} is {}, expected {}", tensor.name,
                             Name(found.kind), found.tensors[*place].hex,
                             tensor.hex));
    }
  }
  for (const NamedHash& tensor : found.tensors) {
    if (expected_index.Find(tensor.name)) continue;
    differences.Add(
        Format("tensor {}: in the file, not in the manifest", tensor.name));
  }
  BRAID_TRY(differences.Summary());
  if (SameOrder(expected, found) && expected.whole != found.whole) {
    return Error{Format("all tensors: {} is {}, expected {}", Name(found.kind),
                        found.whole, expected.whole)};
  }
  return {};
}

}  // namespace braid::gguf
