#include "tokenizer/normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "tokenizer/pipeline_tables.h"
#include "tokenizer/unicode_tables.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// A character that NFC can neither change nor melt into the one before.
bool IsSafe(const Utf8Char& character) {
  return !character.valid || (ClassOf(character.code_point) & kNfcUnsafe) == 0;
}

int CombiningClass(int32_t code_point) {
  return utf8proc_get_property(code_point)->combining_class;
}

// Canonical ordering: marks by combining class, stably, between characters of
// class 0. (utf8proc's own is an insertion sort: quadratic.)
void OrderMarks(std::vector<int32_t>& code_points) {
  const auto by_class = [](int32_t a, int32_t b) {
    return CombiningClass(a) < CombiningClass(b);
  };
  const auto is_starter = [](int32_t c) { return CombiningClass(c) == 0; };
  auto begin = code_points.begin();
  while (begin != code_points.end()) {
    begin = std::find_if_not(begin, code_points.end(), is_starter);
    const auto end = std::find_if(begin, code_points.end(), is_starter);
    std::stable_sort(begin, end, by_class);
    begin = end;
  }
}

// Appends the composition of what is decomposed and ordered.
void AppendComposed(std::vector<int32_t>& code_points, std::string& out) {
  const auto composed = utf8proc_normalize_utf32(
      code_points.data(), static_cast<utf8proc_ssize_t>(code_points.size()),
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  for (utf8proc_ssize_t i = 0; i < composed; ++i) {
    AppendUtf8(static_cast<uint32_t>(code_points[static_cast<size_t>(i)]), out);
  }
}

class Normalizer {
 public:
  explicit Normalizer(std::string& out) : out_(out) {}

  void Append(std::string_view segment) {
    code_points_.clear();
    for (size_t at = 0; at < segment.size();) {
      const Utf8Char character = DecodeUtf8(segment, at);
      AppendDecomposed(character.code_point, code_points_);
      at += character.length;
    }
    OrderMarks(code_points_);
    AppendComposed(code_points_, out_);
  }

 private:
  std::string& out_;
  std::vector<int32_t> code_points_;
};

// The end of the run of safe (or unsafe) characters that begins at `at`, and
// where its last character begins.
struct SafetyRun {
  size_t last;
  size_t end;
};

SafetyRun RunAt(std::string_view text, size_t at, bool safe) {
  SafetyRun run = {at, at};
  while (run.end < text.size()) {
    const Utf8Char character = DecodeUtf8(text, run.end);
    if (IsSafe(character) != safe) break;
    run.last = run.end;
    run.end += character.length;
  }
  return run;
}

}  // namespace

namespace {

// No compatibility decomposition is longer (U+FDFA).
constexpr size_t kLongestDecomposition = 18;

void AppendParts(uint32_t code_point, bool compatible,
                 std::vector<int32_t>& out) {
  const bool decomposes =
      code_point >= 0x80 && IsIn(compatible ? pipeline_tables::kCompatible
                                            : pipeline_tables::kDecomposes,
                                 code_point);
  if (!decomposes) {
    out.push_back(static_cast<int32_t>(code_point));
    return;
  }
  int32_t parts[kLongestDecomposition];
  int boundary = 0;
  const auto options = static_cast<utf8proc_option_t>(
      compatible ? UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT : UTF8PROC_DECOMPOSE);
  const auto count =
      utf8proc_decompose_char(static_cast<int32_t>(code_point), parts,
                              std::size(parts), options, &boundary);
  for (utf8proc_ssize_t i = 0; i < count; ++i) out.push_back(parts[i]);
}

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

}  // namespace

void Normalize(NormalForm form, std::string_view text, std::string& out) {
  out.clear();
  if (IsAscii(text)) {
    out = text;
    return;
  }
  const bool compatible = form == NormalForm::kKC || form == NormalForm::kKD;
  const bool composed = form == NormalForm::kC || form == NormalForm::kKC;
  std::vector<int32_t> code_points;
  const auto flush = [&] {
    OrderMarks(code_points);
    if (composed) {
      AppendComposed(code_points, out);
    } else {
      for (const int32_t c : code_points) {
        AppendUtf8(static_cast<uint32_t>(c), out);
      }
    }
    code_points.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const Utf8Char character = DecodeUtf8(text, at);
    if (character.valid) {
      AppendParts(character.code_point, compatible, code_points);
    } else {
      flush();
      out += text[at];
    }
    at += character.length;
  }
  flush();
}

void AppendDecomposed(uint32_t code_point, std::vector<int32_t>& out) {
  int32_t parts[8];  // no canonical decomposition is longer than 4
  int boundary = 0;
  const auto count =
      utf8proc_decompose_char(static_cast<int32_t>(code_point), parts,
                              std::size(parts), UTF8PROC_DECOMPOSE, &boundary);
  for (utf8proc_ssize_t i = 0; i < count; ++i) out.push_back(parts[i]);
}

std::string_view NormalizeNfc(std::string_view text, std::string& storage) {
  SafetyRun safe = RunAt(text, 0, true);
  if (safe.end == text.size()) return text;

  storage.clear();
  storage.reserve(text.size());
  Normalizer normalizer(storage);
  size_t at = 0;
  while (at < text.size()) {
    safe = RunAt(text, at, true);
    // The last safe character takes part: what follows may melt into it. A
    // byte that is no UTF-8 does not.
    size_t segment = safe.end;
    if (safe.end > at && safe.end < text.size() &&
        DecodeUtf8(text, safe.last).valid) {
      segment = safe.last;
    }
    storage += text.substr(at, segment - at);
    const SafetyRun unsafe = RunAt(text, safe.end, false);
    if (unsafe.end > segment) {
      normalizer.Append(text.substr(segment, unsafe.end - segment));
    }
    at = unsafe.end;
  }
  return storage;
}

}  // namespace braid
