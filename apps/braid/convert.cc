// braid convert: a Hugging Face folder to a GGUF file.
#include <algorithm>
#include <filesystem>
#include <string>

#include "apps/braid/command.h"
#include "apps/braid/console.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/progress.h"
#include "apps/braid/text.h"
#include "base/format.h"
#include "convert/conversion.h"
#include "engine/check_contents.h"
#include "engine/thread_count.h"
#include "gguf/tensor_type.h"
#include "gguf/value.h"

namespace braid::cli {

namespace {

using convert::Conversion;
using convert::OutputType;

class Convert : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Positional({.placeholder = "DIR",
                      .help = "a folder with config.json, safetensors and the "
                              "files of a tokenizer",
                      .choices = {},
                      .required = true,
                      .target = &folder_});
    table.Group("Output")
        .Text("-o, --outfile", "FILE",
              "the file to write; without it, DIR-TYPE.gguf here", &output_)
        .Choice("--outtype", "TYPE", "format of the matrices", &options_.type,
                {{"auto", OutputType::kAuto},
                 {"f32", OutputType::kF32},
                 {"f16", OutputType::kF16},
                 {"bf16", OutputType::kBF16},
                 {"q8_0", OutputType::kQ8_0}})
        .Switch("--vocab-only", "metadata and vocabulary, no tensors",
                &options_.vocabulary_only)
        .Texts("--ignore-key", "NAME",
               "a key of config.json that changes nothing, such as my_note; "
               "may be given several times",
               &options_.ignored_keys)
        .Switch("--dry-run", "print what the file would hold, write nothing",
                &dry_run_);
    table.Group("Speed").Threads(&threads_);
    DeclareProgress(table, &progress_);
    return table;
  }

  Status Run() override {
    options_.check = CheckContents;
    BRAID_ASSIGN(const Conversion conversion,
                 Conversion::Plan(folder_, options_));
    for (const std::string& name : conversion.skipped()) {
      Note(Format("left out: {}\n", name));
    }
    NoteAll(conversion.notices());
    if (dry_run_) {
      Print(Plan(conversion));
      return {};
    }
    const std::string path = output_.empty() ? DefaultPath() : output_;
    const Stopwatch watch;
    BRAID_TRY(Write(conversion, path));
    std::error_code ignored;
    const auto bytes = std::filesystem::file_size(path, ignored);
    Print(Format("{}: {} tensors, {} in {} s\n", path,
                 conversion.contents().tensors.size(),
                 SizeText(static_cast<double>(bytes)),
                 Fixed(watch.Seconds(), 1)));
    return {};
  }

 private:
  Status Write(const Conversion& conversion, const std::string& path) const {
    const InterruptGuard guard;
    Progress bar("converting", progress_);
    return conversion.Write(
        path, ThreadCount(threads_),
        [&bar](const gguf::TensorInfo& /*tensor*/, uint64_t done,
               uint64_t all) {
          bar.Show(static_cast<double>(done) /
                   static_cast<double>(std::max<uint64_t>(all, 1)));
        },
        guard.asked());
  }

  std::string DefaultPath() const {
    constexpr const char* kNames[] = {"auto", "f32", "f16", "bf16", "q8_0"};
    const auto folder = std::filesystem::path(folder_ + "/").lexically_normal();
    return Format("{}-{}.gguf", folder.parent_path().filename().string(),
                  options_.vocabulary_only
                      ? "vocab"
                      : kNames[static_cast<int>(options_.type)]);
  }

  // Keys, then tensors, one on a line.
  static std::string Plan(const Conversion& conversion) {
    std::string text;
    for (const auto& [key, value] : conversion.contents().metadata) {
      text += Format("{} = {}\n", key, gguf::ValueText(value));
    }
    for (const gguf::TensorInfo& tensor : conversion.contents().tensors) {
      text +=
          Format("{} {} {}\n", tensor.name, gguf::TensorTypeText(tensor.type),
                 gguf::ShapeText(tensor.shape));
    }
    return text;
  }

  std::string folder_;
  std::string output_;
  convert::ConversionOptions options_;
  bool dry_run_ = false;
  int threads_ = 0;
  ProgressMode progress_ = ProgressMode::kBar;
};

}  // namespace

std::unique_ptr<Command> MakeConvert() { return std::make_unique<Convert>(); }

}  // namespace braid::cli
