// Embeddings as text: normalisation, similarity, and the formats of `braid
// embedding`.
#ifndef BRAID_APPS_BRAID_EMBEDDING_OUTPUT_H_
#define BRAID_APPS_BRAID_EMBEDDING_OUTPUT_H_

#include <span>
#include <string>
#include <vector>

namespace braid::cli {

enum class EmbeddingFormat {
  kText,      // numbered lines, then the similarities of all pairs
  kArray,     // [[...], ...]
  kJson,      // as OpenAI's service answers
  kJsonPlus,  // the same with the similarities
  kRaw,       // a line of numbers for each row
};

using EmbeddingRow = std::vector<float>;

// What one text has: one row, or without pooling one for each of its tokens.
// None: it could not be embedded, and keeps its place: null in JSON, "none" or
// an empty line elsewhere.
struct EmbeddedText {
  std::string text;
  std::vector<EmbeddingRow> rows;
  int tokens = 0;
};

// How --embd-normalize divides a row: -1 not at all; 0 so that the largest
// value is 32760 in size; otherwise by its p-norm (2: the Euclidean length). A
// row of zeros stays what it is.
void NormalizeRow(int norm, EmbeddingRow& row);

// In [-1, 1]; 0 if either is all zeros, 1 if both are. In double precision.
double CosineSimilarity(std::span<const float> a, std::span<const float> b);

// With a line break at the end. `pooled`: every text has one row. Values that
// are no numbers are null in JSON.
std::string FormatEmbeddings(std::span<const EmbeddedText> texts, bool pooled,
                             EmbeddingFormat format, const std::string& model);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_EMBEDDING_OUTPUT_H_
