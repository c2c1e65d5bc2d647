// The file of --kl-divergence-base: what a model said of every scored token, as
// llama-perplexity writes it.
//
// "_logits_", then 32-bit little-endian numbers: tokens of a chunk, tokens of
// the vocabulary, chunks, and the tokens of all chunks; then for every scored
// token a row of 16-bit numbers q: two floats (scale s, least value m) and one
// q for each token of the vocabulary, padded to an even number. The logarithm
// of the probability is m + s q, at most 16 below the largest.
#ifndef BRAID_APPS_BRAID_LOGITS_FILE_H_
#define BRAID_APPS_BRAID_LOGITS_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "base/output_file.h"
#include "braid/result.h"
#include "braid/types.h"

namespace braid::cli {

struct LogitsHeader {
  int context = 0;     // tokens of a chunk
  int vocabulary = 0;  // tokens
  int chunks = 0;
  std::vector<TokenId> tokens;  // [chunks * context]

  // Scored tokens of a chunk: those behind its first half.
  int scored() const { return context - 1 - context / 2; }
};

class LogitsWriter {
 public:
  // There is nothing at `path` before Finish(). Errors name the file.
  static Result<LogitsWriter> Create(const std::string& path,
                                     const LogitsHeader& header);
  // [vocabulary] logits of the next scored token.
  Status Add(std::span<const float> logits);
  // Call once, last.
  Status Finish();

 private:
  LogitsWriter(OutputFile file, int64_t rows)
      : file_(std::move(file)), rows_left_(rows) {}

  OutputFile file_;
  int64_t rows_left_;
  std::vector<uint16_t> row_;
};

// The file is not trusted: its sizes are checked against its length when it is
// opened, and its tokens against its vocabulary.
class LogitsReader {
 public:
  static Result<LogitsReader> Open(const std::string& path);
  // Of bytes that outlive the reader.
  static Result<LogitsReader> Parse(std::span<const std::byte> bytes);

  const LogitsHeader& header() const { return header_; }
  // The log-probabilities of scored token `row`, counted over all chunks.
  // Error: they are no finite numbers.
  Status Row(int64_t row, std::span<float> log_probabilities) const;

 private:
  LogitsHeader header_;
  std::shared_ptr<MappedFile> file_;
  std::span<const std::byte> rows_;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_LOGITS_FILE_H_
