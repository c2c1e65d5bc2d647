// The flags that several commands share, and what they mean to the library.
#ifndef BRAID_APPS_BRAID_COMMON_FLAGS_H_
#define BRAID_APPS_BRAID_COMMON_FLAGS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/braid/flags.h"
#include "apps/braid/progress.h"
#include "braid/engine.h"
#include "braid/model.h"
#include "braid/result.h"
#include "braid/sampling.h"

namespace braid::cli {

// -m and what is said about it.
struct ModelFlags {
  std::string path;  // empty: the model that ships with braid
  ProgressMode progress = ProgressMode::kBar;  // of loading and of the command

  // With `paths`, -m may be given several times and is collected there.
  void Declare(FlagTable& table, std::vector<std::string>* paths = nullptr);
  Result<std::string> Path() const;
  // Loads it, with a progress bar on a terminal. Sets `seconds`.
  // `encoder_only`: see LoadOptions.
  Result<std::shared_ptr<const Model>> Load(int threads, double* seconds,
                                            bool encoder_only = false) const;
  // The same, and an error if `command` has no use for its kind (model_use.h).
  Result<std::shared_ptr<const Model>> LoadFor(std::string_view command,
                                               int threads, double* seconds,
                                               bool encoder_only = false) const;
};

// -c, -b, -ub, -t and the rest of EngineOptions, but for the number of
// sequences, which every command sees differently.
struct EngineFlags {
  EngineOptions options;
  KvType value_type = options.kv_type;  // -ctv; options has -ctk
  int memory_limit = 0;                 // MiB; 0: none
  int checkpoint_mib = 256;

  void Declare(FlagTable& table);
  // Error: key and value types differ.
  Result<EngineOptions> Options(int max_sequences) const;
};

struct SamplingFlags {
  SamplingParams params;
  int64_t seed = -1;
  std::vector<std::string> biases;  // TOKEN(+/-)BIAS
  bool ignore_eos = false;

  void Declare(FlagTable& table);
  // `params` with the biases, for this vocabulary. A seed of -1 is replaced by
  // a random one, which is said on standard error.
  Result<SamplingParams> Params(const Tokenizer& tokenizer);
};

// Every flag of EngineFlags, by one name, and every flag of SamplingFlags.
inline constexpr const char* kEngineFlags =
    "-c, -b, -ub, -t, --split, -ctk, -ctv, --page-size, --memory-limit, "
    "--rollback, --checkpoint-every, --checkpoint-bytes";
inline constexpr const char* kSamplingFlags =
    "-s, --temp, --top-k, --top-p, --min-p, --typical, --repeat-last-n, "
    "--repeat-penalty, --frequency-penalty, --presence-penalty, -l, "
    "--ignore-eos";
// Those of kEngineFlags that only going back needs.
inline constexpr const char* kGoingBackFlags =
    "--rollback, --checkpoint-every, --checkpoint-bytes";

// The seeds of texts that are generated side by side: each follows from --seed,
// from the tokens that the text begins with, and from how many of the same came
// before it; not from its place among others. Not thread-safe.
class TextSeeds {
 public:
  // `params` of all; what they say but for the seed stays.
  explicit TextSeeds(SamplingParams params) : params_(std::move(params)) {}

  // Of the next text. `encoder_text` is what an encoder reads first.
  SamplingParams Next(std::span<const TokenId> encoder_text,
                      std::span<const TokenId> prompt);

 private:
  const SamplingParams params_;
  std::map<uint64_t, uint64_t> copies_;  // by hash
};

// "15043-1.5" or "15043-inf". Errors say what is expected.
Result<std::pair<TokenId, float>> ParseLogitBias(std::string_view text);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_COMMON_FLAGS_H_
