#include "engine/engine_options.h"

#include "base/format.h"
#include "base/run.h"
#include "base/try.h"

namespace braid {

namespace {

Status CheckOption(const char* name, int value, int least, int most) {
  if (value >= least && value <= most) return {};
  return Error{Format("{}: {} is not in [{}, {}]", name, value, least, most)};
}

// Enumerators are numbered from 0 to `last`.
template <class Enum>
Status CheckEnum(const char* name, Enum value, Enum last) {
  return CheckOption(name, static_cast<int>(value), 0, static_cast<int>(last));
}

}  // namespace

DType StorageType(KvType type) {
  return type == KvType::kF16 ? DType::kF16 : DType::kF32;
}

Status ValidateThreads(int threads) {
  return CheckOption("threads (-t)", threads, 0, 1024);
}

Status ValidateOptions(const EngineOptions& options) {
  BRAID_TRY(CheckEnum("split", options.split, SplitPolicy::kWhole));
  BRAID_TRY(CheckEnum("kv_type", options.kv_type, KvType::kF32));
  if (options.pooling) {
    BRAID_TRY(CheckEnum("pooling", *options.pooling, Pooling::kRank));
  }
  constexpr int kMost = 1 << 24;
  BRAID_TRY(CheckOption("context (-c)", options.context, 0, 1 << 30));
  BRAID_TRY(CheckOption("max_batch (-b)", options.max_batch, 1, kMost));
  BRAID_TRY(CheckOption("max_ubatch (-ub)", options.max_ubatch, 1, kMost));
  BRAID_TRY(
      CheckOption("max_sequences (-np)", options.max_sequences, 1, 65536));
  BRAID_TRY(CheckOption("rollback (--rollback)", options.rollback, 0, 1 << 20));
  BRAID_TRY(CheckOption("checkpoint_every (--checkpoint-every)",
                        options.checkpoint_every, 0, 1 << 30));
  BRAID_TRY(CheckOption("page_positions (--page-size)", options.page_positions,
                        kPagePositions, 1 << 16));
  return ValidateThreads(options.threads);
}

Status ValidateForModel(const EngineOptions& options,
                        const LanguageModel& model) {
  const RowTraits traits = model.traits();
  if (traits.bidirectional && options.split != SplitPolicy::kWhole) {
    return Error{
        "the model reads texts both ways, which cannot be cut: it needs the "
        "split policy \"whole\" (--split)"};
  }
  if (options.pooling == Pooling::kRank && traits.classes == 0) {
    return Error{
        "pooling \"rank\" needs a model with a classifier, this one has none"};
  }
  return {};
}

MemoryLimits LimitsOf(const EngineOptions& options) {
  return {.max_sequences = options.max_sequences,
          .kv_positions = options.context,
          .max_batch = options.max_batch,
          .page_positions = options.page_positions,
          .rollback = options.rollback,
          .checkpoint_every = options.checkpoint_every,
          .checkpoint_bytes = options.checkpoint_bytes,
          .bytes = options.memory_limit};
}

}  // namespace braid
