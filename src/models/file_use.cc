#include "models/file_use.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>

#include "base/format.h"
#include "gguf/conversion.h"
#include "gguf/value.h"

namespace braid {

namespace {

// What a row of the tables may look at.
struct Facts {
  const gguf::File& file;
  std::string_view architecture;
  bool encoder_only;

  const gguf::Value* Find(std::string_view key) const {
    return file.Find(Format("{}.{}", architecture, key));
  }
  // The number of a key, if it is one.
  std::optional<double> Number(std::string_view key) const {
    const gguf::Value* value = Find(key);
    if (value == nullptr) return std::nullopt;
    const Result<double> number = gguf::ToFloat(key, *value);
    return number.ok() ? std::optional(*number) : std::nullopt;
  }
  bool Text(std::string_view key, std::string_view text) const {
    const gguf::Value* value = Find(key);
    const auto* found =
        value == nullptr ? nullptr : std::get_if<std::string_view>(value);
    return found != nullptr && *found == text;
  }
  bool Flag(std::string_view key, bool flag) const {
    const gguf::Value* value = Find(key);
    const auto* found = value == nullptr ? nullptr : std::get_if<bool>(value);
    return found != nullptr && *found == flag;
  }
  // Both keys have one number; the second may be missing.
  bool Same(std::string_view key, std::string_view other) const {
    if (Find(other) == nullptr) return false;
    return Number(key).has_value() && Number(key) == Number(other);
  }
};

// Whether the key, its value being what it is, or the tensor may be ignored.
using Condition = bool (*)(const Facts& facts, std::string_view name);

bool Always(const Facts& /*facts*/, std::string_view /*name*/) { return true; }
bool IsZero(const Facts& facts, std::string_view key) {
  return facts.Number(key) == 0 || facts.Flag(key, false);
}
bool IsZeroOrOne(const Facts& facts, std::string_view key) {
  return facts.Number(key) == 0 || facts.Number(key) == 1;
}
bool IsTrue(const Facts& facts, std::string_view key) {
  return facts.Flag(key, true);
}
bool IsFalse(const Facts& facts, std::string_view key) {
  return facts.Flag(key, false);
}
bool HasNoExperts(const Facts& facts, std::string_view /*key*/) {
  return facts.Number("expert_count").value_or(0) == 0;
}
bool IsScaledEvenly(const Facts& facts, std::string_view /*key*/) {
  return !facts.Text("rope.scaling.type", "yarn") &&
         !facts.Text("rope.scaling.type", "longrope");
}
bool IsOneOrScaledEvenly(const Facts& facts, std::string_view key) {
  return facts.Number(key) == 1 || IsScaledEvenly(facts, key);
}
bool HoldsTheContext(const Facts& facts, std::string_view key) {
  const std::optional<double> window = facts.Number(key);
  const std::optional<double> context = facts.Number("context_length");
  return window == 0 || (window && context && *window >= *context);
}
bool HasHeadSizes(const Facts& facts, std::string_view /*key*/) {
  return facts.Find("attention.key_length_mla") != nullptr;
}
bool IsEncoderAlone(const Facts& facts, std::string_view /*key*/) {
  return facts.encoder_only || facts.architecture == "t5encoder";
}

// A pattern may end in "*", which stands for anything.
bool Matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

// `word` is in `words`, which are separated by spaces; in no words at all, too.
bool IsOneOf(std::string_view words, std::string_view word) {
  if (words.empty()) return true;
  return Format(" {} ", words).find(Format(" {} ", word)) != std::string::npos;
}

constexpr std::string_view kRecurrent = "mamba mamba2 rwkv6 rwkv7";
constexpr std::string_view kWithoutRope =
    "mamba mamba2 jamba rwkv6 rwkv7 nemotron_h bert t5 t5encoder";

struct Ignored {
  std::string_view name;  // a pattern; of a key without the architecture
  Condition condition;
  std::string_view reason;
  std::string_view architectures = {};  // all
};

constexpr Ignored kIgnoredKeys[] = {
    // What the tensors or other keys say as well.
    {"vocab_size", Always, "the rows of token_embd.weight say it"},
    {"embedding_length_out",
     [](const Facts& facts, std::string_view key) {
       return facts.Same(key, "embedding_length");
     },
     "is embedding_length"},
    {"attention.key_length_swa",
     [](const Facts& facts, std::string_view key) {
       return facts.Same(key, "attention.key_length");
     },
     "is attention.key_length"},
    {"attention.value_length_swa",
     [](const Facts& facts, std::string_view key) {
       return facts.Same(key, "attention.value_length");
     },
     "is attention.value_length"},
    {"rope.dimension_count_swa",
     [](const Facts& facts, std::string_view key) {
       return facts.Same(key, "rope.dimension_count");
     },
     "is rope.dimension_count"},
    {"rope.freq_base_swa",
     [](const Facts& facts, std::string_view key) {
       return facts.Same(key, "rope.freq_base");
     },
     "is rope.freq_base"},
    {"attention.head_count_kv",
     [](const Facts& facts, std::string_view key) {
       return facts.Same(key, "attention.head_count");
     },
     "is attention.head_count", "bert nomic-bert t5 t5encoder"},
    {"attention.head_count_kv", Always,
     "keys and values of all heads are made of one latent row", "deepseek2"},
    {"attention.key_length", HasHeadSizes,
     "of a row of the cache; attention.key_length_mla is that of a head",
     "deepseek2"},
    {"attention.value_length", HasHeadSizes,
     "of a row of the cache; attention.value_length_mla is that of a head",
     "deepseek2"},
    {"attention.layer_norm_epsilon", Always, "the model's norms are RMS norms",
     "deepseek2 falcon-h1 gemma2 gemma3 granitehybrid jamba lfm2 llama mamba "
     "mamba2 nemotron_h openelm qwen2 qwen3 qwen35 qwen35moe smollm3 t5 "
     "t5encoder"},
    {"attention.layer_norm_rms_epsilon", Always, "the model has no RMS norms",
     "bert nomic-bert rwkv6 rwkv7"},

    // How the file was made, and what its outputs are called.
    {"tensor_data_layout", Always, "says how the file was made"},
    {"rope.scaling.finetuned", Always, "says how the model was trained"},
    {"classifier.output_labels", Always, "names, no numbers"},

    // Parts that the architecture does not have.
    {"attention.head_count", Always, "the model has no attention", kRecurrent},
    {"attention.head_count_kv", Always, "the model has no attention",
     kRecurrent},
    {"attention.key_length", Always, "the model has no attention", kRecurrent},
    {"attention.value_length", Always, "the model has no attention",
     kRecurrent},
    {"feed_forward_length", Always, "the model has no MLPs", "mamba mamba2"},
    {"rope.*", Always, "the model does not turn queries and keys",
     kWithoutRope},
    {"rope.dimension_sections", Always, "all axes stand at a text's position",
     "qwen35 qwen35moe"},
    {"rope.mrope_*", Always, "all axes stand at a text's position",
     "qwen35 qwen35moe"},
    {"norm_top_k_prob", IsTrue, "the experts' weights are normalised",
     "qwen35moe"},
    {"attention.causal", IsTrue, "a decoder looks back only",
     "deepseek2 falcon-h1 gemma2 gemma3 granitehybrid jamba lfm2 llama mamba "
     "mamba2 nemotron_h openelm qwen2 qwen3 qwen35 qwen35moe rwkv6 rwkv7 "
     "smollm3 t5"},
    {"attention.causal", IsFalse, "an encoder looks both ways", "t5encoder"},
    {"decoder_start_token_id", IsEncoderAlone, "belongs to the decoder"},
    {"decoder_block_count", IsEncoderAlone, "belongs to the decoder"},
    {"vision.*", Always, "belongs to the tower for images, which is not run"},
    {"audio.*", Always, "belongs to the tower for sounds, which is not run"},
    {"mm.*", Always, "belongs to the tower for images, which is not run"},
    {"expert_*", HasNoExperts, "the model has no experts"},

    // What is switched off.
    {"attention.sliding_window", HoldsTheContext,
     "the window is as long as the context"},
    {"attention.max_alibi_bias", IsZero, "0 means none"},
    {"attention.clamp_kqv", IsZero, "0 means none"},
    {"attention.scale", IsZero, "0 means 1 / sqrt(key length)"},
    {"attention.shared_kv_layers", IsZero, "0 means none"},
    {"attention.temperature_length", IsZero, "0 means none"},
    {"attention.temperature_scale", IsZero, "0 means none"},
    {"attn_logit_softcapping", IsZero, "0 means none"},
    {"final_logit_softcapping", IsZero, "0 means none"},
    {"router_logit_softcapping", IsZero, "0 means none"},
    {"embedding_length_per_layer_input", IsZero, "0 means none"},
    {"embedding_scale", IsZeroOrOne, "0 and 1 mean no scale"},
    {"residual_scale", IsZeroOrOne, "0 and 1 mean no scale"},
    {"logit_scale", IsZeroOrOne, "0 and 1 mean no scale"},
    {"leading_dense_block_count", IsZero, "0 means none"},
    {"moe_every_n_layers", IsZero, "0 means none"},
    {"moe_latent_size", IsZero, "0 means none"},
    {"n_deepstack_layers", IsZero, "0 means none"},
    {"nextn_predict_layers", IsZero, "0 means none"},
    {"rescale_every_n_layers", IsZero, "0 means never"},
    {"swin_norm", IsFalse, "false means no"},
    {"use_parallel_residual", IsFalse, "false means no"},
    {"ssm.dt_b_c_rms", IsFalse, "false means no"},

    // Companions of scalings that the file does not ask for.
    {"rope.scaling.original_context_length", IsScaledEvenly,
     "belongs to yarn and longrope, which rope.scaling.type is not"},
    {"rope.scaling.attn_factor", IsOneOrScaledEvenly,
     "belongs to yarn and longrope, which rope.scaling.type is not"},
    {"rope.scaling.yarn_*", IsScaledEvenly,
     "belongs to yarn, which rope.scaling.type is not"},
};

// The number of the layer that a tensor belongs to: 3 of "blk.3.attn_q.weight".
std::optional<int> LayerOf(std::string_view tensor) {
  constexpr std::string_view kPrefix = "blk.";
  if (!tensor.starts_with(kPrefix)) return std::nullopt;
  tensor.remove_prefix(kPrefix.size());
  int layer = 0;
  const auto [end, error] =
      std::from_chars(tensor.data(), tensor.data() + tensor.size(), layer);
  if (error != std::errc() || end == tensor.data() + tensor.size() ||
      *end != '.') {
    return std::nullopt;
  }
  return layer;
}

bool PredictsFurtherAhead(const Facts& facts, std::string_view tensor) {
  const std::optional<int> layer = LayerOf(tensor);
  const double layers = facts.Number("block_count").value_or(0);
  const double ahead = facts.Number("nextn_predict_layers").value_or(0);
  return layer && *layer >= layers - ahead && *layer < layers;
}

constexpr Ignored kIgnoredTensors[] = {
    {"v.*", Always, "belongs to the tower for images, which is not run"},
    {"mm.*", Always, "belongs to the tower for images, which is not run"},
    {"a.*", Always, "belongs to the tower for sounds, which is not run"},
    {"mtp.*", Always, "predicts tokens further ahead, which is not run"},
    {"blk.*", PredictsFurtherAhead,
     "predicts tokens further ahead, which is not run",
     "deepseek2 qwen35 qwen35moe"},
    {"blk.0.time_mix_v0.weight", Always,
     "the first layer has no earlier values to mix with", "rwkv7"},
    {"blk.0.time_mix_v1.weight", Always,
     "the first layer has no earlier values to mix with", "rwkv7"},
    {"blk.0.time_mix_v2.weight", Always,
     "the first layer has no earlier values to mix with", "rwkv7"},
    {"dec.*",
     [](const Facts& /*facts*/, std::string_view tensor) {
       return tensor.ends_with(".cross_attn_rel_b.weight");
     },
     "cross attention has no distances", "t5"},
    {"dec.*", IsEncoderAlone, "belongs to the decoder, which is not run", "t5"},
    {"output.weight", IsEncoderAlone,
     "belongs to the decoder, which is not run", "t5"},
    {"rope_freqs.weight", Always, "the architecture's angles have no divisors",
     "falcon-h1"},
};

// What becomes of a key or tensor: `whole_name` in the file, `name` in the
// table.
FileUse::Part PartOf(std::span<const Ignored> table, const Facts& facts,
                     std::string_view name, std::string_view whole_name,
                     bool read) {
  using Kind = FileUse::Kind;
  if (read) return {std::string(whole_name), Kind::kRead};
  for (const Ignored& row : table) {
    if (Matches(row.name, name) &&
        IsOneOf(row.architectures, facts.architecture) &&
        row.condition(facts, name)) {
      return {std::string(whole_name), Kind::kIgnored, row.reason};
    }
  }
  return {std::string(whole_name), Kind::kLeftOver};
}

std::vector<const FileUse::Part*> LeftOver(
    const std::vector<FileUse::Part>& parts) {
  std::vector<const FileUse::Part*> left;
  for (const FileUse::Part& part : parts) {
    if (part.kind == FileUse::Kind::kLeftOver) left.push_back(&part);
  }
  return left;
}

std::string AndMore(size_t all, std::string_view noun) {
  if (all < 2) return "";
  return Format(" (and {} more {}{})", all - 1, noun, all == 2 ? "" : "s");
}

Status Refusal(const gguf::File& file, const FileUse& use) {
  const auto tensors = LeftOver(use.tensors);
  const auto keys = LeftOver(use.keys);
  if (!tensors.empty()) {
    return Error{
        Format("{}{}: not part of a \"{}\" with {}.block_count {}; a file is "
               "read whole or not at all",
               tensors.front()->name, AndMore(tensors.size(), "tensor"),
               use.architecture, use.architecture,
               gguf::ValueText(*file.Find(use.architecture + ".block_count")))};
  }
  if (!keys.empty()) {
    const std::string& key = keys.front()->name;
    return Error{
        Format("{}{}: {} is not supported by \"{}\", which does not read this "
               "key; a file is read whole or not at all",
               key, AndMore(keys.size(), "key"),
               gguf::ValueText(*file.Find(key)), use.architecture)};
  }
  return {};
}

}  // namespace

FileUse UseOf(const gguf::File& file, const ConfigReader& reader,
              const GgufSource& source, bool encoder_only) {
  FileUse use;
  use.architecture = reader.architecture();
  const Facts facts = {file, use.architecture, encoder_only};
  const std::string prefix = use.architecture + ".";
  for (const gguf::KeyValue& pair : file.metadata()) {
    if (!pair.key.starts_with(prefix)) continue;
    use.keys.push_back(PartOf(kIgnoredKeys, facts,
                              pair.key.substr(prefix.size()), pair.key,
                              reader.WasRead(pair.key)));
  }
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    use.tensors.push_back(PartOf(kIgnoredTensors, facts, tensor.name,
                                 tensor.name, source.WasRead(tensor.name)));
  }
  use.status = Refusal(file, use);
  return use;
}

}  // namespace braid
