#include "convert/families.h"

#include <algorithm>
#include <string>

#include "base/format.h"

namespace braid::convert {

namespace {

// What transformers puts in place of what a config leaves out.
constexpr std::string_view kQwen35Defaults =
    R"({"partial_rotary_factor": 0.25})";

constexpr Family kFamilies[] = {
    {"BertForMaskedLM", "bert", DescribeBert},
    {"BertForSequenceClassification", "bert", DescribeBert},
    {"BertModel", "bert", DescribeBert},
    {"DeepseekV2ForCausalLM", "deepseek2", DescribeDeepseek},
    {"DeepseekV3ForCausalLM", "deepseek2", DescribeDeepseek},
    {"FalconH1ForCausalLM", "falcon-h1", DescribeFalconH1},
    {"FalconMambaForCausalLM", "mamba", DescribeMamba},
    {"Gemma2ForCausalLM", "gemma2", DescribeGemma2},
    {"Gemma3ForCausalLM", "gemma3", DescribeGemma3},
    // The folder of the 4B model says no more than what differs.
    {"Gemma3ForConditionalGeneration", "gemma3", DescribeGemma3,
     R"({"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
         "max_position_embeddings": 131072})"},
    {"GraniteMoeHybridForCausalLM", "granitehybrid", DescribeGraniteHybrid},
    {"JambaForCausalLM", "jamba", DescribeJamba},
    {"Lfm2ForCausalLM", "lfm2", DescribeLfm2},
    {"LlamaForCausalLM", "llama", DescribeLlama},
    {"Mamba2ForCausalLM", "mamba2", DescribeMamba2},
    {"MambaForCausalLM", "mamba", DescribeMamba},
    {"MambaLMHeadModel", "mamba", DescribeMamba},
    {"MistralForCausalLM", "llama", DescribeLlama},
    {"MixtralForCausalLM", "llama", DescribeLlama},
    {"NemotronHForCausalLM", "nemotron_h", DescribeNemotronH},
    {"NomicBertModel", "nomic-bert", DescribeNomicBert},
    {"OpenELMForCausalLM", "openelm", DescribeOpenElm},
    {"Qwen2ForCausalLM", "qwen2", DescribeQwen},
    {"Qwen3ForCausalLM", "qwen3", DescribeQwen},
    {"Qwen3_5ForCausalLM", "qwen35", DescribeQwen35, kQwen35Defaults},
    {"Qwen3_5ForConditionalGeneration", "qwen35", DescribeQwen35,
     kQwen35Defaults},
    {"Qwen3_5MoeForCausalLM", "qwen35moe", DescribeQwen35, kQwen35Defaults},
    {"Qwen3_5MoeForConditionalGeneration", "qwen35moe", DescribeQwen35,
     kQwen35Defaults},
    {"RWKV7ForCausalLM", "rwkv7", DescribeRwkv7},
    {"Rwkv6ForCausalLM", "rwkv6", DescribeRwkv6},
    {"SmolLM3ForCausalLM", "smollm3", DescribeSmolLm3},
    {"T5EncoderModel", "t5encoder", DescribeT5Encoder},
    {"T5ForConditionalGeneration", "t5", DescribeT5},
    {"UMT5EncoderModel", "t5encoder", DescribeT5Encoder},
    {"UMT5ForConditionalGeneration", "t5", DescribeT5},
};

// Configs without `architectures`: those of the authors of Mamba, and that of
// Mamba-Codestral, which has other names for the same things.
constexpr Family kMamba = {"", "mamba", DescribeMamba};
constexpr Family kMamba2 = {"", "mamba2", DescribeMamba2};
constexpr Family kCodestral = {"", "mamba2", DescribeCodestral};

const Family* FindNameless(const HfConfig& config) {
  if (config.Has("dim") && config.Has("n_layers") && config.Has("n_groups")) {
    return &kCodestral;
  }
  if (!config.Has("d_model") || !config.Has("n_layer")) return nullptr;
  const std::string* layer = config.Get("ssm_cfg.layer").Text();
  return layer != nullptr && *layer == "Mamba2" ? &kMamba2 : &kMamba;
}

std::string ListFamilies() {
  std::string list;
  for (const Family& family : kFamilies) {
    list += Format("{}{}", list.empty() ? "" : ", ", family.hf_architecture);
  }
  return list;
}

}  // namespace

std::span<const Family> Families() { return kFamilies; }

Result<const Family*> FindFamily(const HfConfig& config) {
  const std::string name = config.Architecture();
  if (name.empty()) {
    if (const Family* family = FindNameless(config)) return family;
  }
  const auto* found =
      std::ranges::find(kFamilies, name, &Family::hf_architecture);
  if (found == std::end(kFamilies)) {
    return Error{
        Format("config.json: architectures: {} is not supported; "
               "supported: {}",
               name.empty() ? "none given" : name, ListFamilies())};
  }
  return found;
}

}  // namespace braid::convert
