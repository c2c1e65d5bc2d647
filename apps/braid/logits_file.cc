#include "apps/braid/logits_file.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/byte_reader.h"
#include "base/check.h"
#include "base/format.h"
#include "base/try.h"

namespace braid::cli {

namespace {

constexpr char kMagic[] = "_logits_";
constexpr size_t kMagicBytes = 8;
// Two floats.
constexpr size_t kRowHead = 4;
constexpr float kRange = 16;
constexpr float kLargestCode = 65535;

// 16-bit numbers of a row.
size_t RowCodes(int vocabulary) {
  return kRowHead + 2 * ((static_cast<size_t>(vocabulary) + 1) / 2);
}

template <class T>
std::span<const std::byte> BytesOf(const T& values) {
  return std::as_bytes(std::span(values));
}

Result<int> ReadSize(ByteReader& reader, const char* what, int most) {
  BRAID_ASSIGN(const int32_t value, reader.Read<int32_t>());
  if (value >= 1 && value <= most) return value;
  return Error{Format("{}: {} is not in [1, {}]", what, value, most)};
}

}  // namespace

Result<LogitsWriter> LogitsWriter::Create(const std::string& path,
                                          const LogitsHeader& header) {
  BRAID_ASSIGN(OutputFile file, OutputFile::Create(path));
  LogitsWriter writer(std::move(file),
                      int64_t{header.chunks} * header.scored());
  const int32_t sizes[] = {header.context, header.vocabulary, header.chunks};
  BRAID_TRY(writer.file_.Write(std::as_bytes(std::span(kMagic, kMagicBytes))));
  BRAID_TRY(writer.file_.Write(BytesOf(sizes)));
  BRAID_TRY(writer.file_.Write(BytesOf(header.tokens)));
  writer.row_.resize(RowCodes(header.vocabulary));
  return writer;
}

Status LogitsWriter::Add(std::span<const float> logits) {
  BRAID_CHECK(rows_left_ > 0 &&
              RowCodes(static_cast<int>(logits.size())) == row_.size());
  const float largest = *std::max_element(logits.begin(), logits.end());
  const float smallest = *std::min_element(logits.begin(), logits.end());
  const float least = std::max(smallest, largest - kRange);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - largest);
  const float scale = (largest - least) / kLargestCode;
  const float offset =
      static_cast<float>(double{least} - largest - std::log(sum));
  std::memcpy(row_.data(), &scale, sizeof(scale));
  std::memcpy(row_.data() + 2, &offset, sizeof(offset));
  std::fill(row_.begin() + kRowHead, row_.end(), uint16_t{0});
  for (size_t i = 0; i < logits.size() && scale > 0; ++i) {
    const float code = std::round((logits[i] - least) / scale);
    row_[kRowHead + i] =
        static_cast<uint16_t>(std::clamp(code, 0.0f, kLargestCode));
  }
  --rows_left_;
  return file_.Write(BytesOf(row_));
}

Status LogitsWriter::Finish() {
  BRAID_CHECK(rows_left_ == 0);
  return file_.Commit();
}

Result<LogitsReader> LogitsReader::Open(const std::string& path) {
  BRAID_ASSIGN(MappedFile file, MappedFile::Open(path));
  auto shared = std::make_shared<MappedFile>(std::move(file));
  auto reader = Parse(shared->bytes());
  if (!reader.ok()) {
    return Error{Format("{}: {}", path, reader.error().message)};
  }
  reader->file_ = std::move(shared);
  return reader;
}

Result<LogitsReader> LogitsReader::Parse(std::span<const std::byte> bytes) {
  constexpr int kMost = 1 << 24;
  ByteReader reader(bytes);
  BRAID_ASSIGN(const auto magic, reader.ReadBytes(kMagicBytes));
  if (std::memcmp(magic.data(), kMagic, kMagicBytes) != 0) {
    return Error{"no file of logits: it does not begin with \"_logits_\""};
  }
  LogitsReader result;
  LogitsHeader& header = result.header_;
  BRAID_ASSIGN(header.context, ReadSize(reader, "tokens of a chunk", kMost));
  BRAID_ASSIGN(header.vocabulary, ReadSize(reader, "vocabulary", kMost));
  BRAID_ASSIGN(header.chunks, ReadSize(reader, "chunks", kMost));
  if (header.scored() < 1) {
    return Error{
        Format("chunks of {} tokens have none to score", header.context)};
  }
  const uint64_t tokens = uint64_t{static_cast<uint32_t>(header.chunks)} *
                          static_cast<uint32_t>(header.context);
  BRAID_ASSIGN(const auto ids, reader.ReadBytes(tokens * sizeof(TokenId)));
  header.tokens.resize(tokens);
  std::memcpy(header.tokens.data(), ids.data(), ids.size());
  for (const TokenId token : header.tokens) {
    if (token >= 0 && token < header.vocabulary) continue;
    return Error{Format("token {}, the vocabulary has {} tokens", token,
                        header.vocabulary)};
  }
  const uint64_t rows = uint64_t{static_cast<uint32_t>(header.chunks)} *
                        static_cast<uint32_t>(header.scored());
  const size_t row_bytes = RowCodes(header.vocabulary) * sizeof(uint16_t);
  if (reader.left() / row_bytes != rows || reader.left() % row_bytes != 0) {
    return Error{Format("{} bytes of rows, expected {} rows of {} bytes",
                        reader.left(), rows, row_bytes)};
  }
  result.rows_ = bytes.subspan(reader.position());
  return result;
}

Status LogitsReader::Row(int64_t row,
                         std::span<float> log_probabilities) const {
  BRAID_CHECK(log_probabilities.size() ==
              static_cast<size_t>(header_.vocabulary));
  const size_t size = RowCodes(header_.vocabulary) * sizeof(uint16_t);
  ByteReader reader(rows_.subspan(static_cast<size_t>(row) * size, size));
  BRAID_ASSIGN(const float scale, reader.Read<float>());
  BRAID_ASSIGN(const float offset, reader.Read<float>());
  if (!std::isfinite(scale) || !std::isfinite(offset)) {
    return Error{
        Format("row {}: scale {} and least value {}", row, scale, offset)};
  }
  for (float& value : log_probabilities) {
    BRAID_ASSIGN(const uint16_t code, reader.Read<uint16_t>());
    value = scale * static_cast<float>(code) + offset;
  }
  return {};
}

}  // namespace braid::cli
