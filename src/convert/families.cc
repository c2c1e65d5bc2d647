#include "convert/families.h"

#include <algorithm>
#include <string>

#include "base/format.h"

namespace braid::convert {

namespace {

constexpr Family kFamilies[] = {
    {"FalconMambaForCausalLM", "mamba", DescribeMamba},
    {"LlamaForCausalLM", "llama", DescribeLlama},
    {"MambaForCausalLM", "mamba", DescribeMamba},
    {"MambaLMHeadModel", "mamba", DescribeMamba},
    {"MistralForCausalLM", "llama", DescribeLlama},
    {"MixtralForCausalLM", "llama", DescribeLlama},
};

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
