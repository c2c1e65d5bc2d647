#include "engine/fit.h"

#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/huge_pages.h"
#include "base/try.h"
#include "engine/batch_engine.h"
#include "engine/engine_options.h"
#include "engine/thread_count.h"
#include "memory/checked_size.h"

namespace braid {

namespace {

// Code and data of the program and its libraries that are in memory once it has
// run, of a release build (RssFile of /proc/PID/status less what is mapped of
// the model). An estimate: the system decides.
constexpr size_t kProgramBytes = size_t{8960} << 10;
// Of a batch's token: its entry, its places in the ubatches, and the lists with
// which a batch is checked and cut.
constexpr size_t kBytesOfToken = 128;
// Of a thread: what of its stack was written, and its heap.
constexpr size_t kBytesOfThread = size_t{64} << 10;
// A sequence's list of tokens has room for so many from the start.
constexpr int64_t kReservedTokens = 1 << 16;
// Rotations are made for a multiple of so many positions.
constexpr int64_t kRotationStep = 256;

// A value of a /proc file of lines "Name:  123 kB", in bytes; 0: not there.
size_t ReadProc(const char* path, std::string_view name) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (!std::string_view(line).starts_with(name)) continue;
    size_t kib = 0;
    for (const char c : line.substr(name.size())) {
      if (c >= '0' && c <= '9') kib = kib * 10 + static_cast<size_t>(c - '0');
    }
    return kib * 1024;
  }
  return 0;
}

// Of what this process has allocated and not given back.
size_t HeapBytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// What stays mapped of the file beside its tensors: keys, names, the
// vocabulary.
size_t HeaderBytes(const std::string& path, const ModelInfo& info) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  const auto tensors = static_cast<uintmax_t>(info.file_bytes);
  return failed ? 0 : static_cast<size_t>(size - std::min(size, tensors));
}

// Elements in memory while a vector grows to `count` in small steps, its room
// doubling from `first`: the last move has the old ones and their copies.
int64_t MostWhileGrowing(int64_t count, int64_t first) {
  int64_t room = std::max<int64_t>(1, first);
  if (count <= room) return count;
  while (room < count) room *= 2;
  return std::max(count, room);
}

int64_t RoundedUp(int64_t value, int64_t unit) {
  return (value / unit + (value % unit != 0)) * unit;
}

// Tokens, rotations, rows that sequences carry, and what a batch passes
// through: all that an engine has beside its memory, activations and logits.
Result<size_t> TableBytes(const LoadedModel& model,
                          const EngineOptions& options, const Filling& filling,
                          size_t books) {
  const LanguageModel& language_model = model.language_model();
  const auto bytes = [](int64_t count, size_t each) {
    return CheckedSize(static_cast<size_t>(count)) * each;
  };
  const int64_t sequences = options.max_sequences;
  const auto width = static_cast<size_t>(language_model.width());
  const int64_t room = std::min<int64_t>(options.context, kReservedTokens);
  // One list at a time is moved.
  const int64_t tokens = sequences * filling.positions +
                         MostWhileGrowing(filling.positions, room) -
                         filling.positions;
  CheckedSize sum = bytes(tokens, sizeof(TokenId)) + CheckedSize(books) +
                    bytes(sequences * filling.text_tokens, sizeof(TokenId));
  const int64_t turned = RoundedUp(filling.positions, kRotationStep);
  const int64_t first = RoundedUp(filling.run_tokens, kRotationStep);
  for (const RopeConfig& rope : language_model.ropes()) {
    sum = sum + bytes(MostWhileGrowing(turned, first),
                      static_cast<size_t>(rope.rotated) * sizeof(float));
  }
  const size_t pooled = *options.pooling == Pooling::kNone
                            ? 0
                            : width * (sizeof(double) + sizeof(float));
  sum = sum + bytes(sequences, pooled + width * sizeof(float));
  sum = sum + bytes(options.max_batch, kBytesOfToken) +
        bytes(options.threads, kBytesOfThread);
  if (!sum.value()) return Error{"tokens and rotations overflow 64 bits"};
  return *sum.value();
}

// One row for each sequence: all that generating asks for.
size_t LogitBytes(const ModelInfo& info, const EngineOptions& options) {
  if (!info.logits) return 0;
  return BytesOfBuffer(static_cast<size_t>(options.max_sequences) *
                       static_cast<size_t>(info.vocabulary_size) *
                       sizeof(float));
}

// The options as an engine would settle them.
Result<EngineOptions> Settle(const LoadedModel& model, EngineOptions options) {
  BRAID_TRY(ValidateOptions(options));
  BRAID_TRY(ValidateForModel(options, model.language_model()));
  if (!options.pooling) options.pooling = model.info().pooling;
  options.threads = ThreadCount(options.threads);
  if (options.context == 0) options.context = model.info().trained_context;
  return options;
}

}  // namespace

Filling FillingOf(const Model& model, const EngineOptions& options) {
  const ModelInfo& info = model.info();
  const int64_t sequences = options.max_sequences;
  const int64_t batch = options.max_batch;
  const int64_t rows = std::min(options.max_ubatch, options.max_batch);
  Filling filling;
  filling.positions = std::max<int64_t>(1, options.context / sequences);
  if (info.bidirectional) {
    // A text is one ubatch, and not longer than what the model was trained for.
    filling.positions =
        std::min({filling.positions, rows, int64_t{info.trained_context}});
    filling.batch_tokens = filling.positions;
  } else {
    filling.batch_tokens =
        std::min(filling.positions, std::max<int64_t>(1, batch / sequences));
  }
  filling.batch_sequences =
      std::clamp<int64_t>(batch / filling.batch_tokens, 1, sequences);
  filling.run_tokens = std::min(filling.batch_tokens, rows);
  filling.runs = std::clamp<int64_t>(rows / filling.run_tokens, 1, sequences);
  if (info.encoder) {
    filling.text_tokens =
        std::max<int64_t>(1, std::min({filling.positions, rows, batch - 1}));
  }
  return filling;
}

size_t Fit::total() const {
  const size_t running = program + weights + embeddings + cells + replay_log +
                         pages + texts + scratch + logits + tables;
  return std::max(running, loading);
}

Result<Fitter> Fitter::Open(const std::string& path,
                            const LoadOptions& options) {
  Fitter fitter;
  BRAID_ASSIGN(fitter.model_,
               LoadedModel::Load(path, options, WeightScope::Tensors::kSized,
                                 &fitter.weights_));
  const size_t heap = HeapBytes();
  fitter.program_bytes_ = kProgramBytes +
                          HeaderBytes(path, fitter.model_->info()) + heap -
                          std::min(heap, fitter.weights_.vectors);
  return fitter;
}

Result<Fit> Fitter::Compute(const EngineOptions& options) const {
  BRAID_ASSIGN(const EngineOptions settled, Settle(*model_, options));
  const Filling filling = FillingOf(*model_, settled);
  BRAID_ASSIGN(
      const FilledMemory memory,
      Fill(model_->language_model().Memory(StorageType(settled.kv_type)),
           LimitsOf(settled), filling));
  Fit fit;
  fit.program = program_bytes_;
  fit.weights = weights_.packed + weights_.vectors;
  fit.loading = program_bytes_ + weights_.most_loading;
  fit.embeddings = weights_.tables;
  fit.cells = memory.cells;
  fit.replay_log = memory.replay_log;
  fit.pages = memory.pages;
  fit.texts = memory.texts;
  BRAID_ASSIGN(fit.scratch, Activations(settled, filling));
  fit.logits = LogitBytes(model_->info(), settled);
  BRAID_ASSIGN(fit.tables, TableBytes(*model_, settled, filling, memory.books));
  return fit;
}

Result<size_t> Fitter::Activations(const EngineOptions& options,
                                   const Filling& filling) const {
  const UBatchKind kind = {
      filling.runs,     filling.run_tokens, filling.text_tokens,
      options.threads,  options.split,      options.kv_type,
      *options.pooling, options.rollback,   options.checkpoint_every};
  if (const auto known = activations_.find(kind); known != activations_.end()) {
    return known->second;
  }
  BRAID_ASSIGN(const size_t bytes, TryUBatch(options, filling));
  activations_.emplace(kind, bytes);
  return bytes;
}

Result<size_t> Fitter::TryUBatch(const EngineOptions& options,
                                 const Filling& filling) const {
  EngineOptions probe = options;
  const bool texts = filling.text_tokens > 0;
  const int64_t runs = texts ? 1 : filling.runs;
  const int64_t tokens = runs * filling.run_tokens + filling.text_tokens;
  // What lies in the memory already shows in no activation.
  probe.max_sequences = static_cast<int>(runs);
  probe.context = static_cast<int>(tokens);
  probe.max_batch = static_cast<int>(tokens);
  probe.memory_limit = 0;
  BRAID_ASSIGN(const std::unique_ptr<BatchEngine> engine,
               BatchEngine::Create(model_, probe, ThreadPool::Tasks::kSkipped));
  const bool pooled = *options.pooling != Pooling::kNone;
  const Want last = pooled                  ? Want::kPooled
                    : model_->info().logits ? Want::kLogits
                                            : Want::kHidden;
  // Rows are finished 64 at a time: more logits take no more activations.
  constexpr int kMostWanted = 64;
  Batch batch;
  for (int s = 0; s < probe.max_sequences; ++s) {
    if (texts) {
      batch.AddEncoder(
          std::vector<TokenId>(static_cast<size_t>(filling.text_tokens)), s);
    }
    for (Position p = 0; p < filling.run_tokens; ++p) {
      const bool wanted =
          pooled || (p + 1 == filling.run_tokens && s < kMostWanted);
      batch.Add(0, p, s, wanted ? last : Want::kNothing);
    }
  }
  BRAID_TRY(engine->Decode(batch, {}));
  return engine->memory_use().scratch;
}

size_t AvailableMemory() { return ReadProc("/proc/meminfo", "MemAvailable:"); }

}  // namespace braid
