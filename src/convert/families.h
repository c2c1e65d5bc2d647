// The table of what can be converted: Hugging Face's name of an architecture,
// GGUF's name, and the function that knows both.
#ifndef BRAID_SRC_CONVERT_FAMILIES_H_
#define BRAID_SRC_CONVERT_FAMILIES_H_

#include <span>
#include <string_view>

#include "braid/result.h"
#include "convert/recipe.h"

namespace braid::convert {

struct Family {
  std::string_view hf_architecture;  // an entry of `architectures`
  std::string_view architecture;     // general.architecture
  // Fills in metadata and rules. What it misses in the config it leaves to
  // config.Fail().
  void (*describe)(Recipe& recipe);
  // What the class of transformers takes where a config is silent, as JSON, if
  // folders in the field count on it.
  std::string_view defaults = {};
};

std::span<const Family> Families();

// The family of a config; without a name, by what else it says. Error: the name
// is unknown; those that are supported.
Result<const Family*> FindFamily(const HfConfig& config);

// One function per family, in the file beside it.
void DescribeBert(Recipe& recipe);           // bert.cc
void DescribeCodestral(Recipe& recipe);      // mamba2.cc
void DescribeDeepseek(Recipe& recipe);       // deepseek.cc
void DescribeFalconH1(Recipe& recipe);       // falcon_h1.cc
void DescribeGemma2(Recipe& recipe);         // gemma.cc
void DescribeGemma3(Recipe& recipe);         // gemma.cc
void DescribeGraniteHybrid(Recipe& recipe);  // granite_hybrid.cc
void DescribeJamba(Recipe& recipe);          // jamba.cc
void DescribeLfm2(Recipe& recipe);           // lfm2.cc
void DescribeLlama(Recipe& recipe);          // llama.cc
void DescribeMamba(Recipe& recipe);          // mamba.cc
void DescribeMamba2(Recipe& recipe);         // mamba2.cc
void DescribeNemotronH(Recipe& recipe);      // nemotron_h.cc
void DescribeNomicBert(Recipe& recipe);      // bert.cc
void DescribeOpenElm(Recipe& recipe);        // openelm.cc
void DescribeQwen(Recipe& recipe);           // qwen.cc
void DescribeQwen35(Recipe& recipe);         // qwen35.cc
void DescribeRwkv6(Recipe& recipe);          // rwkv.cc
void DescribeRwkv7(Recipe& recipe);          // rwkv.cc
void DescribeSmolLm3(Recipe& recipe);        // smollm3.cc
void DescribeT5(Recipe& recipe);             // t5.cc
void DescribeT5Encoder(Recipe& recipe);      // t5.cc

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_FAMILIES_H_
