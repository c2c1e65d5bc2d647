#include "models/registry.h"

#include <string_view>

#include "base/format.h"
#include "base/try.h"
#include "models/bert.h"
#include "models/deepseek2.h"
#include "models/falcon_h1.h"
#include "models/gemma.h"
#include "models/granite_hybrid.h"
#include "models/jamba.h"
#include "models/lfm2.h"
#include "models/llama.h"
#include "models/mamba.h"
#include "models/mamba2.h"
#include "models/nemotron_h.h"
#include "models/openelm.h"
#include "models/qwen.h"
#include "models/qwen35.h"
#include "models/rwkv6.h"
#include "models/rwkv7.h"
#include "models/smollm3.h"
#include "models/t5.h"
#include "models/t5_encoder.h"

namespace braid {

namespace {

using Factory = Result<std::unique_ptr<LanguageModel>> (*)(ConfigReader&,
                                                           WeightScope&);

template <class Model, class Config>
Result<std::unique_ptr<LanguageModel>> Make(ConfigReader& reader,
                                            WeightScope& weights) {
  BRAID_ASSIGN(const auto config, Config::Read(reader));
  std::unique_ptr<LanguageModel> model =
      std::make_unique<Model>(weights, config);
  BRAID_TRY(weights.status());
  return model;
}

struct Architecture {
  std::string_view name;
  Factory make;
  Factory make_encoder = nullptr;  // of a model that has a decoder as well
};

constexpr Architecture kArchitectures[] = {
    {"bert", Make<BertModel, BertConfig>},
    {"deepseek2", Make<Deepseek2Model, Deepseek2Config>},
    {"falcon-h1", Make<FalconH1Model, FalconH1Config>},
    {"gemma2", Make<GemmaModel, Gemma2Config>},
    {"gemma3", Make<GemmaModel, Gemma3Config>},
    {"granitehybrid", Make<GraniteHybridModel, GraniteHybridConfig>},
    {"jamba", Make<JambaModel, JambaConfig>},
    {"lfm2", Make<Lfm2Model, Lfm2Config>},
    {"llama", Make<LlamaModel, LlamaConfig>},
    {"mamba", Make<MambaModel, MambaModelConfig>},
    {"mamba2", Make<Mamba2Model, Mamba2ModelConfig>},
    {"nemotron_h", Make<NemotronHModel, NemotronHConfig>},
    {"nomic-bert", Make<BertModel, NomicBertConfig>},
    {"openelm", Make<OpenElmModel, OpenElmConfig>},
    {"qwen2", Make<QwenModel, QwenConfig>},
    {"qwen3", Make<QwenModel, QwenConfig>},
    {"qwen35", Make<Qwen35Model, Qwen35Config>},
    {"qwen35moe", Make<Qwen35Model, Qwen35Config>},
    {"rwkv6", Make<Rwkv6Model, Rwkv6ModelConfig>},
    {"rwkv7", Make<Rwkv7Model, Rwkv7ModelConfig>},
    {"smollm3", Make<LlamaModel, SmolLm3Config>},
    {"t5", Make<T5Model, T5Config>, Make<T5EncoderModel, T5EncoderConfig>},
    {"t5encoder", Make<T5EncoderModel, T5EncoderConfig>},
};

}  // namespace

Result<std::unique_ptr<LanguageModel>> MakeModel(ConfigReader& reader,
                                                 WeightScope& weights,
                                                 bool encoder_only) {
  BRAID_TRY(reader.status());
  const std::string& name = reader.architecture();
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name != name) continue;
    return encoder_only && architecture.make_encoder != nullptr
               ? architecture.make_encoder(reader, weights)
               : architecture.make(reader, weights);
  }
  return Error{
      Format("general.architecture: \"{}\" is not supported; "
             "supported are {}",
             name, SupportedArchitectures())};
}

std::string SupportedArchitectures() {
  std::string names;
  for (const Architecture& architecture : kArchitectures) {
    if (!names.empty()) names += ", ";
    names += architecture.name;
  }
  return names;
}

}  // namespace braid
