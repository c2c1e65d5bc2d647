#include "quantize/plan.h"

#include <algorithm>
#include <regex>

#include "base/format.h"
#include "base/try.h"
#include "gguf/split.h"
#include "gguf/tensor_type.h"
#include "quantize/mixture.h"
#include "quantize/tensor_site.h"

namespace braid::quantize {

namespace {

struct CompiledOverride {
  std::regex pattern;
  DType type;
};

Result<std::vector<CompiledOverride>> Compile(
    const std::vector<TypeOverride>& overrides) {
  // The matcher recurses with the pattern and the name, both short.
  constexpr size_t kMaxPattern = 256;
  std::vector<CompiledOverride> compiled;
  for (const auto& [pattern, type] : overrides) {
    if (pattern.size() > kMaxPattern) {
      return Error{Format("a pattern of {} characters, {} are allowed",
                          pattern.size(), kMaxPattern)};
    }
    try {
      compiled.push_back(
          {std::regex(pattern, std::regex::ECMAScript | std::regex::icase),
           type});
    } catch (const std::regex_error&) {
      return Error{Format("'{}' is no regular expression", pattern)};
    }
  }
  return compiled;
}

class Planner {
 public:
  Planner(const gguf::File& file, const QuantizeOptions& options,
          const Census& census, std::vector<CompiledOverride> overrides)
      : file_(file),
        options_(options),
        census_(census),
        overrides_(std::move(overrides)) {}

  Result<Plan> Make() const {
    Plan plan;
    for (const gguf::TensorInfo& tensor : file_.tensors()) {
      BRAID_ASSIGN(PlannedTensor planned, PlanTensor(tensor));
      BRAID_ASSIGN(const uint64_t elements, gguf::ElementCount(tensor.shape));
      plan.elements += elements;
      plan.source_bytes += tensor.size;
      plan.target_bytes += planned.target.size;
      plan.tensors.push_back(std::move(planned));
    }
    plan.metadata = Metadata();
    return plan;
  }

 private:
  Result<PlannedTensor> PlanTensor(const gguf::TensorInfo& tensor) const {
    PlannedTensor planned{&tensor, tensor, DType::kF32, true, {}};
    if (!options_.type || !IsQuantizable(tensor)) return planned;
    if (options_.leave_output && tensor.name == "output.weight") {
      return planned;
    }
    const auto width = static_cast<int64_t>(tensor.shape[0]);
    const DType wanted = WantedType(tensor.name, width);
    const DType fitting = FittingType(wanted, width);
    if (fitting != wanted) planned.too_wide = wanted;
    if (static_cast<uint32_t>(fitting) == tensor.type) return planned;
    BRAID_TRY(CheckSource(tensor));
    BRAID_TRY(CheckImportance(tensor));
    planned.type = fitting;
    planned.copied = false;
    planned.target.type = static_cast<uint32_t>(fitting);
    BRAID_ASSIGN(planned.target.size,
                 gguf::TensorBytes(planned.target.type, tensor.shape));
    return planned;
  }

  DType WantedType(const std::string& name, int64_t width) const {
    const Place place = census_.Find(name);
    const Purpose purpose = place.site.purpose;
    const bool is_embedding = purpose == Purpose::kTokenEmbedding;
    const bool is_output =
        purpose == Purpose::kOutput || (is_embedding && census_.tied());
    if (is_embedding && options_.embedding_type) {
      return *options_.embedding_type;
    }
    if (is_output && options_.output_type) return *options_.output_type;
    for (const CompiledOverride& chosen : overrides_) {
      if (std::regex_search(name, chosen.pattern)) return chosen.type;
    }
    if (options_.pure) return Describe(*options_.type).matrices;
    return MixtureType(*options_.type, census_, place, width,
                       options_.importance != nullptr);
  }

  Status CheckSource(const gguf::TensorInfo& tensor) const {
    const Result<DType> type = DTypeFromId(tensor.type);
    if (!type.ok()) {
      return Error{Format("{}: {}", tensor.name, type.error().message)};
    }
    if (BlockElements(*type) == 1 || options_.allow_requantize) return {};
    return Error{
        Format("{} is quantised already ({}); quantising it again "
               "loses twice, and needs --allow-requantize",
               tensor.name, Name(*type))};
  }

  // A vocabulary may have grown since it was measured.
  Status CheckImportance(const gguf::TensorInfo& tensor) const {
    if (options_.importance == nullptr) return {};
    const size_t found = options_.importance->Weights(tensor.name).size();
    const uint64_t experts = tensor.shape.size() > 2 ? tensor.shape[2] : 1;
    if (found == 0 || found == tensor.shape[0] ||
        found == tensor.shape[0] * experts ||
        tensor.name == "token_embd.weight") {
      return {};
    }
    return Error{Format("{}: expected importance of {} inputs, file has {}",
                        tensor.name, tensor.shape[0] * experts, found)};
  }

  std::vector<gguf::KeyValue> Metadata() const {
    std::vector<gguf::KeyValue> metadata;
    for (const gguf::KeyValue& kv : file_.metadata()) {
      if (!gguf::IsSplitKey(kv.key)) metadata.push_back(kv);
    }
    const auto set = [&metadata](std::string_view key, gguf::Value value) {
      const auto old = std::ranges::find(metadata, key, &gguf::KeyValue::key);
      if (old != metadata.end()) {
        old->value = std::move(value);
      } else {
        metadata.push_back({key, std::move(value)});
      }
    };
    if (options_.type) {
      set("general.file_type", static_cast<uint32_t>(*options_.type));
      set("general.quantization_version", uint32_t{2});
    }
    if (const ImportanceMatrix* importance = options_.importance) {
      constexpr size_t kMaxText = 127;
      set("quantize.imatrix.file",
          std::string_view(options_.importance_path).substr(0, kMaxText));
      if (!importance->datasets.empty()) {
        set("quantize.imatrix.dataset",
            std::string_view(importance->datasets[0]).substr(0, kMaxText));
      }
      set("quantize.imatrix.entries_count",
          static_cast<uint32_t>(importance->size()));
      set("quantize.imatrix.chunks_count", importance->chunk_count);
    }
    for (const gguf::KeyValue& kv : options_.metadata) set(kv.key, kv.value);
    return metadata;
  }

  const gguf::File& file_;
  const QuantizeOptions& options_;
  const Census& census_;
  const std::vector<CompiledOverride> overrides_;
};

}  // namespace

Result<Plan> MakePlan(const gguf::File& file, const QuantizeOptions& options) {
  BRAID_ASSIGN(const Census census, Census::Take(file));
  BRAID_ASSIGN(std::vector<CompiledOverride> overrides,
               Compile(options.overrides));
  return Planner(file, options, census, std::move(overrides)).Make();
}

}  // namespace braid::quantize
