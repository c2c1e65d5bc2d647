#include "apps/braid/embedding_output.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "apps/braid/json_text.h"
#include "base/format.h"

namespace braid::cli {

namespace {

// Of several texts, llama-embedding shows this many values each.
constexpr size_t kValuesShown = 16;
constexpr double kLargestScaled = 32760;

std::string Printed(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), form, value);
  return text;
}

// The shortest digits that give the same float back.
std::string Digits(float value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value);
  return std::string(digits, end.ptr);
}

std::string RowJson(const EmbeddingRow& row) {
  std::string text = "[";
  for (const float value : row) {
    if (text.size() > 1) text += ", ";
    text += std::isfinite(value) ? Digits(value) : "null";
  }
  return text + "]";
}

std::string RowsJson(const EmbeddedText& text, bool pooled) {
  if (text.rows.empty()) return "null";
  if (pooled) return RowJson(text.rows.front());
  std::string rows = "[";
  for (const EmbeddingRow& row : text.rows) {
    if (rows.size() > 1) rows += ", ";
    rows += RowJson(row);
  }
  return rows + "]";
}

// Of texts that have one row; NaN if one has none.
double Similarity(const EmbeddedText& a, const EmbeddedText& b) {
  if (a.rows.empty() || b.rows.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return CosineSimilarity(a.rows.front(), b.rows.front());
}

std::string SimilaritiesJson(std::span<const EmbeddedText> texts) {
  std::string json = "[";
  for (const EmbeddedText& a : texts) {
    json += json.size() > 1 ? ",\n  [" : "\n  [";
    for (const EmbeddedText& b : texts) {
      if (&b != texts.data()) json += ", ";
      const double similarity = Similarity(a, b);
      json += std::isnan(similarity) ? "null" : Printed("%.6f", similarity);
    }
    json += "]";
  }
  return json + "\n]";
}

// The start of a text that fits `width` bytes, on one line.
std::string Label(const std::string& text, size_t width) {
  size_t end = std::min(width, text.size());
  // Not in the middle of a UTF-8 character.
  while (end > 0 && end < text.size() &&
         (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  std::string label = text.substr(0, end);
  std::replace_if(
      label.begin(), label.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return label;
}

std::string SimilaritiesText(std::span<const EmbeddedText> texts) {
  constexpr size_t kColumn = 6;
  std::string table = "\ncosine similarity matrix:\n\n";
  for (const EmbeddedText& text : texts) {
    const std::string label = Label(text.text, kColumn);
    table += std::string(kColumn - label.size(), ' ') + label + " ";
  }
  table += "\n";
  for (const EmbeddedText& a : texts) {
    for (const EmbeddedText& b : texts) {
      const double similarity = Similarity(a, b);
      table +=
          std::isnan(similarity) ? "  none " : Printed("%6.2f ", similarity);
    }
    table += Label(a.text, 10) + "\n";
  }
  return table;
}

std::string AsText(std::span<const EmbeddedText> texts, bool pooled) {
  std::string lines;
  int number = 0;
  for (const EmbeddedText& text : texts) {
    if (text.rows.empty()) lines += Format("embedding {}: none\n", number++);
    for (const EmbeddingRow& row : text.rows) {
      lines += Format("embedding {}: ", number++);
      const size_t shown =
          texts.size() > 1 ? std::min(kValuesShown, row.size()) : row.size();
      for (size_t i = 0; i < shown; ++i) lines += Printed("%9.6f ", row[i]);
      lines += "\n";
    }
  }
  if (pooled && texts.size() > 1) lines += SimilaritiesText(texts);
  return lines;
}

std::string AsRaw(std::span<const EmbeddedText> texts) {
  std::string lines;
  for (const EmbeddedText& text : texts) {
    if (text.rows.empty()) lines += "\n";
    for (const EmbeddingRow& row : text.rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        if (i > 0) lines += " ";
        lines += Digits(row[i]);
      }
      lines += "\n";
    }
  }
  return lines;
}

std::string AsArray(std::span<const EmbeddedText> texts, bool pooled) {
  std::string json = "[";
  for (const EmbeddedText& text : texts) {
    if (json.size() > 1) json += ",\n ";
    json += RowsJson(text, pooled);
  }
  return json + "]\n";
}

std::string AsJson(std::span<const EmbeddedText> texts, bool pooled,
                   bool similarities, const std::string& model) {
  std::string data;
  int tokens = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    tokens += texts[i].tokens;
    data += Format(
        "{}\n  {\"object\": \"embedding\", \"index\": {}, "
        "\"embedding\": {}}",
        i == 0 ? "" : ",", i, RowsJson(texts[i], pooled));
  }
  std::string json = Format(
      "{\"object\": \"list\", \"model\": {}, \"usage\": {\"prompt_tokens\": "
      "{}, \"total_tokens\": {}}, \"data\": [{}]",
      JsonText(model), tokens, tokens, data);
  if (similarities && pooled) {
    json += Format(",\n\"cosineSimilarity\": {}", SimilaritiesJson(texts));
  }
  return json + "}\n";
}

}  // namespace

void NormalizeRow(int norm, EmbeddingRow& row) {
  if (norm < 0) return;
  double size = 0;
  for (const float value : row) {
    const double magnitude = std::abs(double{value});
    size = norm == 0 ? std::max(size, magnitude)
                     : size + std::pow(magnitude, norm);
  }
  if (norm == 0) size /= kLargestScaled;
  // Not pow for the usual norm: square roots are exact.
  if (norm == 2) size = std::sqrt(size);
  if (norm > 2) size = std::pow(size, 1.0 / norm);
  if (!(size > 0)) return;
  for (float& value : row) value = static_cast<float>(value / size);
}

double CosineSimilarity(std::span<const float> a, std::span<const float> b) {
  double product = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    product += double{a[i]} * b[i];
    a_squares += double{a[i]} * a[i];
    b_squares += double{b[i]} * b[i];
  }
  if (a_squares == 0 || b_squares == 0) {
    return a_squares == b_squares ? 1.0 : 0.0;
  }
  return product / (std::sqrt(a_squares) * std::sqrt(b_squares));
}

std::string FormatEmbeddings(std::span<const EmbeddedText> texts, bool pooled,
                             EmbeddingFormat format, const std::string& model) {
  switch (format) {
    case EmbeddingFormat::kText:
      return AsText(texts, pooled);
    case EmbeddingFormat::kArray:
      return AsArray(texts, pooled);
    case EmbeddingFormat::kJson:
      return AsJson(texts, pooled, false, model);
    case EmbeddingFormat::kJsonPlus:
      return AsJson(texts, pooled, true, model);
    case EmbeddingFormat::kRaw:
      return AsRaw(texts);
  }
  return {};
}

}  // namespace braid::cli
