#include "tokenizer/bpe_profiles.h"

namespace braid {

namespace {

constexpr BpeProfile kProfiles[] = {
    {.name = "default", .rule = SplitRule::kDefault},

    {.name = "gpt-2", .rule = SplitRule::kGpt2},
    {.name = "phi-2", .rule = SplitRule::kGpt2},
    {.name = "jina-es", .rule = SplitRule::kGpt2},
    {.name = "jina-de", .rule = SplitRule::kGpt2},
    {.name = "jina-v1-en", .rule = SplitRule::kGpt2},
    {.name = "jina-v2-es", .rule = SplitRule::kGpt2},
    {.name = "jina-v2-de", .rule = SplitRule::kGpt2},
    {.name = "jina-v2-code", .rule = SplitRule::kGpt2},
    {.name = "roberta-bpe", .rule = SplitRule::kGpt2},
    {.name = "gigachat", .rule = SplitRule::kGpt2},
    {.name = "a.x-4.0", .rule = SplitRule::kGpt2},
    {.name = "mellum", .rule = SplitRule::kGpt2},
    {.name = "modern-bert", .rule = SplitRule::kGpt2},
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

    {.name = "falcon", .rule = SplitRule::kFalcon},

    {.name = "llama-bpe",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},
    {.name = "llama3",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},
    {.name = "llama-v3",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},
    {.name = "falcon3",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},
    {.name = "falcon-h1",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},
    {.name = "pixtral",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},
    {.name = "midm-2.0",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},
    {.name = "lfm2",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},
    {.name = "jina-v5-nano",
     .rule = SplitRule::kLlama3,
     .ignore_merges = true,
     .add_bos = true},

    {.name = "dbrx", .rule = SplitRule::kLlama3},
    {.name = "smaug-bpe", .rule = SplitRule::kLlama3},
    {.name = "glm4", .rule = SplitRule::kLlama3},
    {.name = "chatglm-bpe", .rule = SplitRule::kLlama3},

    // Families that share a rule; that only these normalize is from their
    // tokenizer.json.
    {.name = "qwen2", .rule = SplitRule::kQwen2, .nfc = true},
    {.name = "deepseek-r1-qwen", .rule = SplitRule::kQwen2, .nfc = true},

    {.name = "stablelm2", .rule = SplitRule::kQwen2},
    {.name = "megrez", .rule = SplitRule::kQwen2},
    {.name = "kormo", .rule = SplitRule::kQwen2},
    {.name = "f2llmv2", .rule = SplitRule::kQwen2},
    {.name = "hunyuan", .rule = SplitRule::kQwen2},
    {.name = "solar-open", .rule = SplitRule::kQwen2},
    {.name = "grok-2", .rule = SplitRule::kQwen2},
    {.name = "bailingmoe", .rule = SplitRule::kQwen2},
    {.name = "bailingmoe2", .rule = SplitRule::kQwen2},
    {.name = "llada-moe", .rule = SplitRule::kQwen2},

    {.name = "qwen35", .rule = SplitRule::kQwen35, .nfc = true},

    {.name = "seed-coder", .rule = SplitRule::kSeedCoder},

    {.name = "llama4", .rule = SplitRule::kGpt4o},
    {.name = "gpt-4o", .rule = SplitRule::kGpt4o},
    {.name = "kanana2", .rule = SplitRule::kGpt4o},
    {.name = "talkie", .rule = SplitRule::kGpt4o},
    {.name = "minimax-m2", .rule = SplitRule::kGpt4o},

    {.name = "tekken",
     .rule = SplitRule::kTekken,
     .ignore_merges = true,
     .add_bos = true},

    {.name = "kimi-k2", .rule = SplitRule::kKimiK2},

    {.name = "tiny_aya", .rule = SplitRule::kTinyAya},
    {.name = "cohere2moe", .rule = SplitRule::kTinyAya},

    {.name = "deepseek-llm", .rule = SplitRule::kDeepseekLlm},

    {.name = "deepseek-coder", .rule = SplitRule::kDeepseekCoder},

    {.name = "deepseek-v3", .rule = SplitRule::kDeepseekV3},
    {.name = "hunyuan-dense", .rule = SplitRule::kDeepseekV3},
    {.name = "joyai-llm", .rule = SplitRule::kDeepseekV3},
    {.name = "hy_v4", .rule = SplitRule::kDeepseekV3},

    {.name = "bloom", .rule = SplitRule::kBloom},
    {.name = "gpt3-finnish", .rule = SplitRule::kBloom},
    {.name = "poro-chat", .rule = SplitRule::kBloom},

    {.name = "viking", .rule = SplitRule::kViking},

    {.name = "superbpe", .rule = SplitRule::kSuperBpe},
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
