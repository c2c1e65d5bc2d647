#include "tokenizer/bpe_profiles.h"

namespace braid {

namespace {

constexpr BpeProfile kProfiles[] = {
    {.name = "default", .rule = SplitRule::kDefault},

    {.name = "gpt-2", .rule = SplitRule::kGpt2},
    {.name = "phi-2", .rule = SplitRule::kGpt2},
    {.name = "gigachat", .rule = SplitRule::kGpt2},
    {.name = "a.x-4.0", .rule = SplitRule::kGpt2},
    {.name = "mellum", .rule = SplitRule::kGpt2},
    {.name = "exaone4", .rule = SplitRule::kGpt2},
    {.name = "trillion", .rule = SplitRule::kGpt2},
    {.name = "granite-docling", .rule = SplitRule::kGpt2},
    {.name = "jais", .rule = SplitRule::kGpt2},
    // These two are what files with the GPT-NeoX vocabulary carry (Pythia,
    // Mamba, Mamba-2).
    {.name = "mpt", .rule = SplitRule::kGpt2, .nfc = true},
    {.name = "olmo", .rule = SplitRule::kGpt2, .nfc = true},

    {.name = "smollm", .rule = SplitRule::kDigitsGpt2},
    {.name = "command-r", .rule = SplitRule::kDigitsGpt2},
    {.name = "starcoder", .rule = SplitRule::kDigitsGpt2},
    {.name = "refact", .rule = SplitRule::kDigitsGpt2},
    {.name = "codeshell", .rule = SplitRule::kDigitsGpt2},
    {.name = "exaone", .rule = SplitRule::kDigitsGpt2},
    {.name = "minerva-7b", .rule = SplitRule::kDigitsGpt2},
    {.name = "mellum2", .rule = SplitRule::kDigitsGpt2},

    {"llama-bpe", SplitRule::kLlama3, true, true},
    {"llama3", SplitRule::kLlama3, true, true},
    {"llama-v3", SplitRule::kLlama3, true, true},
    {"falcon3", SplitRule::kLlama3, true, true},
    {"falcon-h1", SplitRule::kLlama3, true, true},
    {"pixtral", SplitRule::kLlama3, true, true},
    {"midm-2.0", SplitRule::kLlama3, true, true},
    {"lfm2", SplitRule::kLlama3, true, true},
    {.name = "dbrx", .rule = SplitRule::kLlama3},
    {.name = "smaug-bpe", .rule = SplitRule::kLlama3},

    {.name = "qwen2", .rule = SplitRule::kQwen2, .nfc = true},
};

}  // namespace

const BpeProfile* FindBpeProfile(std::string_view name) {
  for (const BpeProfile& profile : kProfiles) {
    if (profile.name == name) return &profile;
  }
  return nullptr;
}

std::string ListBpeProfiles() {
  std::string list;
  for (const BpeProfile& profile : kProfiles) {
    if (!list.empty()) list += ", ";
    list += profile.name;
  }
  return list;
}

}  // namespace braid
