// braid quantize: a GGUF file in a smaller format.
#include <algorithm>
#include <filesystem>
#include <string>

#include "apps/braid/command.h"
#include "apps/braid/console.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/progress.h"
#include "apps/braid/text.h"
#include "base/format.h"
#include "base/thread_pool.h"
#include "engine/thread_count.h"
#include "gguf/split.h"
#include "gguf/tensor_type.h"
#include "gguf/value_parser.h"
#include "quantize/quantizer.h"

namespace braid::cli {

namespace {

using quantize::ImportanceMatrix;
using quantize::PlannedTensor;
using quantize::QuantizeOptions;

constexpr double kMebibyte = 1024.0 * 1024.0;

std::string Mebibytes(uint64_t bytes) {
  return Fixed(static_cast<double>(bytes) / kMebibyte, 2) + " MiB";
}

std::string Padded(std::string text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// "[ 2048, 32000,     1,     1]"
std::string Dimensions(const gguf::TensorInfo& tensor) {
  std::string text;
  for (size_t i = 0; i < std::max<size_t>(4, tensor.shape.size()); ++i) {
    const uint64_t size = i < tensor.shape.size() ? tensor.shape[i] : 1;
    text += (i == 0 ? "" : ", ") + Padded(Format("{}", size), 5);
  }
  return "[" + text + "]";
}

// What happens to a tensor, in the words of the tool that people know.
std::string TensorLine(const PlannedTensor& tensor) {
  const gguf::TensorInfo& source = *tensor.source;
  std::string line = Format(
      "{} - {}, type = {}, ", Padded(source.name, 36), Dimensions(source),
      Padded(Lower(gguf::TensorTypeText(source.type)), 6));
  if (tensor.too_wide) {
    line += Format("width {} is no multiple of {} for {}: fallback to {}, ",
                   source.shape[0], BlockElements(*tensor.too_wide),
                   Lower(Name(*tensor.too_wide)),
                   Lower(gguf::TensorTypeText(tensor.target.type)));
  }
  if (tensor.copied) return line + "size = " + Mebibytes(source.size);
  return line + Format("converting to {} .. size = {} -> {}",
                       Lower(Name(tensor.type)), Mebibytes(source.size),
                       Mebibytes(tensor.target.size));
}

std::string SizeLine(std::string_view what, uint64_t bytes, uint64_t elements) {
  const double bits = 8.0 * static_cast<double>(bytes) /
                      static_cast<double>(std::max<uint64_t>(elements, 1));
  return Format("{} size  = {} ({} BPW)\n", what, Mebibytes(bytes),
                Fixed(bits, 2));
}

class Quantize : public Command {
 public:
  FlagTable Flags() override {
    std::string types = "COPY";
    for (const auto& info : quantize::FileTypes()) {
      types += Format(", {}", info.name);
    }
    FlagTable table;
    table.Positional({"IN", "the GGUF file to read", {}, true, &input_});
    table.Positional({"OUT",
                      "the file to write, or without it the TYPE: "
                      "ggml-model-TYPE.gguf beside IN",
                      {},
                      true,
                      &output_});
    table.Positional({"TYPE", types, {}, false, &type_});
    table.Positional(
        {"THREADS", "threads; 0: one per core", {}, false, &threads_});
    table.Group("What becomes what")
        .Switch("--pure", "no mixture: every matrix in the same format",
                &options_.pure)
        .Switch("--allow-requantize", "also tensors that are in blocks already",
                &options_.allow_requantize)
        .Switch("--leave-output-tensor", "output.weight stays as it is",
                &options_.leave_output)
        .Text("--output-tensor-type", "FORMAT", "format of output.weight",
              &output_type_)
        .Text("--token-embedding-type", "FORMAT",
              "format of the token embeddings", &embedding_type_)
        .Texts("--tensor-type", "PATTERN=FORMAT",
               "format of tensors whose name a regular expression matches",
               &tensor_types_);
    table.Group("Importance")
        .Text("--imatrix", "FILE",
              "importance of inputs, as llama-imatrix writes it", &imatrix_)
        .Texts("--include-weights", "PART", "use it only for such names",
               &include_)
        .Texts("--exclude-weights", "PART", "do not use it for such names",
               &exclude_);
    table.Group("Output")
        .Switch("--dry-run", "print what would be written, write nothing",
                &dry_run_)
        .Switch("--keep-split", "as many parts as IN has", &options_.keep_split)
        .Texts("--override-kv", "KEY=TYPE:VALUE",
               "set metadata; types: int, float, bool, str", &metadata_);
    DeclareProgress(table, &progress_);
    return table;
  }

  std::vector<UnusedFlags> Unused() const override {
    if (Lower(type_) != "copy" && Lower(output_) != "copy") return {};
    return {{.names = "--pure, --allow-requantize, --leave-output-tensor, "
                      "--output-tensor-type, --token-embedding-type, "
                      "--tensor-type, --imatrix",
             .use = "with COPY"}};
  }

  Status Run() override {
    BRAID_TRY(TakePositionals());
    BRAID_TRY(TakeFlags());
    BRAID_ASSIGN(const int64_t threads, threads_.empty()
                                            ? Result<int64_t>(0)
                                            : ParseInteger(threads_, {0, 512}));
    BRAID_ASSIGN(const gguf::File file, gguf::File::Open(input_));
    BRAID_TRY(CheckTarget(file));
    ImportanceMatrix importance;
    if (!imatrix_.empty()) {
      BRAID_ASSIGN(importance, ImportanceMatrix::Read(imatrix_));
      importance.Filter(include_, exclude_);
      options_.importance = &importance;
      options_.importance_path = imatrix_;
    }
    BRAID_ASSIGN(const quantize::Plan plan, MakePlan(file, options_));
    const Stopwatch watch;
    if (dry_run_) {
      for (size_t i = 0; i < plan.tensors.size(); ++i) PrintTensor(plan, i);
    } else {
      BRAID_TRY(Write(file, plan, ThreadCount(static_cast<int>(threads))));
    }
    Say(SizeLine("model", plan.source_bytes, plan.elements) +
        SizeLine("quant", plan.target_bytes, plan.elements));
    const auto fallbacks =
        std::ranges::count_if(plan.tensors, [](const PlannedTensor& tensor) {
          return tensor.too_wide.has_value();
        });
    if (fallbacks > 0) {
      Note(
          Format("{} of {} required fallback quantization\n", fallbacks,
                 Counted(static_cast<int64_t>(plan.tensors.size()), "tensor")));
    }
    if (!dry_run_) {
      Note(Format("quantize time = {} ms\n", Fixed(watch.Seconds() * 1e3, 2)));
    }
    return {};
  }

 private:
  // IN OUT TYPE [THREADS], or IN TYPE [THREADS]: "2" is a type, too, so the
  // second says which of them it is.
  Status TakePositionals() {
    const bool short_form =
        threads_.empty() &&
        (Lower(output_) == "copy" || quantize::ParseFileType(output_).ok());
    if (short_form) {
      threads_ = type_;
      type_ = output_;
      const auto folder = std::filesystem::path(input_).parent_path();
      output_ = folder / Format("ggml-model-{}{}", type_,
                                options_.keep_split ? "" : ".gguf");
    }
    if (Lower(type_) == "copy") return {};
    BRAID_ASSIGN(options_.type, quantize::ParseFileType(type_));
    return {};
  }

  static Result<DType> ParseFormat(const char* flag, std::string_view text) {
    const Result<DType> format = quantize::ParseDType(text);
    if (format.ok()) return format;
    return Error{Format("{}: {}", flag, format.error().message)};
  }

  Status TakeFlags() {
    if (!output_type_.empty()) {
      BRAID_ASSIGN(options_.output_type,
                   ParseFormat("--output-tensor-type", output_type_));
    }
    if (!embedding_type_.empty()) {
      BRAID_ASSIGN(options_.embedding_type,
                   ParseFormat("--token-embedding-type", embedding_type_));
    }
    for (const std::string& text : tensor_types_) {
      const size_t equals = text.rfind('=');
      if (equals == std::string::npos) {
        return Error{Format("--tensor-type: '{}' is not PATTERN=FORMAT", text)};
      }
      BRAID_ASSIGN(const DType type,
                   ParseFormat("--tensor-type", text.substr(equals + 1)));
      options_.overrides.push_back({text.substr(0, equals), type});
    }
    for (const std::string& text : metadata_) BRAID_TRY(TakeMetadata(text));
    if (imatrix_.empty() && !(include_.empty() && exclude_.empty())) {
      return Error{Format("{} needs --imatrix", include_.empty()
                                                    ? "--exclude-weights"
                                                    : "--include-weights")};
    }
    return {};
  }

  Status TakeMetadata(std::string_view text) {
    struct Kind {
      std::string_view name;
      gguf::ValueType type;
    };
    constexpr Kind kKinds[] = {{"int", gguf::ValueType::kU32},
                               {"float", gguf::ValueType::kF32},
                               {"bool", gguf::ValueType::kBool},
                               {"str", gguf::ValueType::kString}};
    const size_t equals = text.find('=');
    const size_t colon = text.find(':', equals);
    if (equals != std::string_view::npos && colon != std::string_view::npos) {
      const auto name = text.substr(equals + 1, colon - equals - 1);
      for (const Kind& kind : kKinds) {
        if (kind.name != name) continue;
        const std::string_view key = text.substr(0, equals);
        if (gguf::IsSplitKey(key)) {
          return Error{Format("--override-kv: {} is for --keep-split", key)};
        }
        const auto value = gguf::ParseValue(kind.type, text.substr(colon + 1));
        if (!value.ok()) {
          return Error{
              Format("--override-kv: {}: {}", key, value.error().message)};
        }
        options_.metadata.push_back({key, *value});
        return {};
      }
    }
    return Error{Format(
        "--override-kv: '{}' is not KEY=TYPE:VALUE with a type int, float, "
        "bool or str",
        text)};
  }

  void Say(std::string_view text) const {
    dry_run_ ? Print(text) : PrintBesideFile(text);
  }

  // The source is mapped while the target is written, part by part.
  Status CheckTarget(const gguf::File& file) const {
    const size_t parts = file.parts();
    if (!options_.keep_split || parts == 1) {
      return gguf::CheckNotSource(input_, parts, output_);
    }
    for (size_t part = 0; part < parts; ++part) {
      BRAID_TRY(gguf::CheckNotSource(input_, parts,
                                     output_ + gguf::SplitSuffix(part, parts)));
    }
    return {};
  }

  void PrintTensor(const quantize::Plan& plan, size_t number) const {
    Say(Format("[{}/{}] {}\n", Padded(Format("{}", number + 1), 4),
               Padded(Format("{}", plan.tensors.size()), 4),
               TensorLine(plan.tensors[number])));
  }

  Status Write(const gguf::File& file, const quantize::Plan& plan,
               int threads) const {
    ThreadPool pool(threads);
    const InterruptGuard guard;
    Progress bar("quantizing", progress_);
    const double all =
        static_cast<double>(std::max<uint64_t>(plan.source_bytes, 1));
    return quantize::WriteQuantized(
        file, plan, options_, output_, pool,
        [&](const PlannedTensor& tensor, uint64_t done) {
          bar.Hide();
          PrintTensor(plan, static_cast<size_t>(&tensor - &plan.tensors[0]));
          bar.Show(static_cast<double>(done) / all);
        },
        guard.asked());
  }

  std::string input_;
  std::string output_;
  std::string type_;
  std::string threads_;
  std::string output_type_;
  std::string embedding_type_;
  std::vector<std::string> tensor_types_;
  std::string imatrix_;
  std::vector<std::string> include_;
  std::vector<std::string> exclude_;
  std::vector<std::string> metadata_;
  bool dry_run_ = false;
  ProgressMode progress_ = ProgressMode::kBar;
  QuantizeOptions options_;
};

}  // namespace

std::unique_ptr<Command> MakeQuantize() { return std::make_unique<Quantize>(); }

}  // namespace braid::cli
