#include "convert/sampling_defaults.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/format.h"

namespace braid::convert {

namespace {

struct SamplingKey {
  std::string_view name;  // in generation_config.json
  std::string_view key;   // of general.sampling.KEY
  bool whole;             // a count, not a number
};
constexpr SamplingKey kSampling[] = {
    {"temperature", "temp", false},
    {"top_k", "top_k", true},
    {"top_p", "top_p", false},
    {"min_p", "min_p", false},
    {"repetition_penalty", "penalty_repeat", false},
};

// Without an effect on a text, or said elsewhere in the file.
constexpr std::string_view kKnown[] = {
    "_from_model_config",
    "bos_token_id",
    "cache_implementation",
    "chat_format",
    "decoder_start_token_id",
    "do_sample",
    "eos_token_id",
    "max_length",
    "max_new_tokens",
    "pad_token_id",
    "return_dict_in_generate",
    "transformers_version",
    "trust_remote_code",
    "use_cache",
};

bool SaysNothing(const Json& value) {
  return value.IsNull() || value.Bool() == false || value.Int() == 0 ||
         (value.IsArray() && value.Elements().empty());
}

}  // namespace

Status DescribeSampling(const Json& generation_config, Recipe& recipe) {
  const bool draws = generation_config["do_sample"].Bool().value_or(false);
  std::string written;
  std::string left_out;
  for (const auto& [name, value] : generation_config.Members()) {
    if (std::ranges::find(kKnown, name) != std::end(kKnown)) continue;
    const auto* known = std::ranges::find(kSampling, name, &SamplingKey::name);
    if (known == std::end(kSampling)) {
      if (SaysNothing(value)) continue;
      left_out += Format("{}{}", left_out.empty() ? "" : ", ", name);
      continue;
    }
    // Repetition is penalized whether tokens are drawn or not.
    if (value.IsNull() || (!draws && name != "repetition_penalty")) continue;
    const std::string key = Format("general.sampling.{}", known->key);
    if (known->whole ? !value.Int() : !value.Number()) {
      return Error{
          Format("generation_config.json: {}: expected a number, "
                 "found {}",
                 name, value.Kind())};
    }
    if (known->whole) {
      recipe.metadata.Signed(key, static_cast<int32_t>(*value.Int()));
    } else {
      recipe.metadata.Number(key, *value.Number());
    }
    written += Format("{}{}", written.empty() ? "" : ", ", name);
  }
  if (!written.empty()) {
    recipe.notices.push_back(
        Format("generation_config.json: {}: in the keys general.sampling.*, "
               "which Braid writes and does not apply",
               written));
  }
  if (!left_out.empty()) {
    recipe.notices.push_back(Format(
        "generation_config.json: {}: not in the file, and no key says it",
        left_out));
  }
  return {};
}

}  // namespace braid::convert
