// braid gguf: look at a GGUF file, compare two, change one, cut it, put it
// together.
#include <algorithm>
#include <limits>
#include <map>

#include "apps/braid/command.h"
#include "apps/braid/console.h"
#include "apps/braid/default_model.h"
#include "apps/braid/file_use_text.h"
#include "apps/braid/gguf_diff.h"
#include "apps/braid/gguf_json.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/progress.h"
#include "apps/braid/text.h"
#include "apps/braid/text_input.h"
#include "engine/loaded_model.h"
#include "gguf/describe.h"
#include "gguf/edit.h"
#include "gguf/hash.h"
#include "gguf/split.h"
#include "gguf/split_writer.h"
#include "gguf/value_parser.h"

namespace braid::cli {

namespace {

const std::vector<std::string> kActions = {"show", "check", "hash", "diff",
                                           "set",  "split", "merge"};

// "2G", "500M", "64K" or bytes; the letters are powers of 1000.
Result<uint64_t> ParseSize(std::string_view text) {
  constexpr std::string_view kLetters = "KMG";
  int64_t unit = 1;
  std::string_view digits = text;
  const size_t letter =
      text.empty() ? kLetters.npos : kLetters.find(text.back());
  if (letter != kLetters.npos) {
    for (size_t i = 0; i <= letter; ++i) unit *= 1000;
    digits.remove_suffix(1);
  }
  const int64_t most = std::numeric_limits<int64_t>::max() / unit;
  const Result<int64_t> number = ParseInteger(digits, {1, most});
  if (!number.ok()) {
    return Error{Format("'{}' is not a size; expected N, NK, NM or NG", text)};
  }
  return static_cast<uint64_t>(*number * unit);
}

class Gguf : public Command {
 public:
  FlagTable Flags() override;
  Status Run() override;
  // As those of diff(1).
  int CodeOfSuccess() const override { return different_ ? 1 : 0; }
  int CodeOfFailure() const override { return action_ == "diff" ? 2 : 1; }

 private:
  // Which flags and arguments go with which action.
  Status CheckUse() const;
  Status CheckArguments() const;

  Status Show() const;
  Status Check() const;
  Status CheckAsModel() const;
  Status Hash() const;
  Status CompareWithManifest(const gguf::File& file) const;
  Status Diff();
  Status Set() const;
  Status Split() const;
  Status Merge() const;

  Result<gguf::Edit> MakeEdit(const gguf::File& file) const;
  void PrintParts(const std::vector<gguf::PlannedPart>& parts) const;

  std::string action_;
  std::string path_;
  std::string target_;  // OTHER, KEY, PREFIX or OUT
  std::string value_;
  bool has_value_ = false;  // which may be empty

  bool json_ = false;
  bool dry_run_ = false;
  bool as_model_ = false;
  bool sha256_ = false;
  bool xxh64_ = false;
  std::string manifest_;
  bool no_values_ = false;
  bool different_ = false;
  std::string type_;
  std::string delete_;
  std::string output_;
  bool force_ = false;
  int max_tensors_ = 0;
  std::string max_size_;
};

FlagTable Gguf::Flags() {
  FlagTable table;
  table
      .Positional({.placeholder = "ACTION",
                   .help = "show: metadata and tensors; check: validate "
                           "everything; hash: digests of the tensors; diff: "
                           "what is different in another file; set: change "
                           "metadata; split: cut into several files; merge: "
                           "make one file of them",
                   .choices = kActions,
                   .required = true,
                   .target = &action_})
      .Positional({.placeholder = "FILE",
                   .help = "show, check and hash take the model that ships "
                           "with braid if not given; of a split set, the "
                           "first part",
                   .choices = {},
                   .required = false,
                   .target = &path_})
      .Positional({.placeholder = "TARGET",
                   .help = "diff: OTHER, the second file; set: KEY; split: "
                           "PREFIX of the parts, which get the names "
                           "PREFIX-00001-of-00002.gguf ...; merge: OUT, the "
                           "new file",
                   .choices = {},
                   .required = false,
                   .target = &target_})
      .Positional({.placeholder = "VALUE",
                   .help = "set: the new value (after -- if it starts with a "
                           "dash)",
                   .choices = {},
                   .required = false,
                   .target = &value_,
                   .given = &has_value_});
  table.Group("Output")
      .Switch("--json", "print JSON, nothing cut", &json_)
      .Switch("--dry-run", "split, merge: say what would be written",
              &dry_run_);
  table.Group("check").Switch(
      "-m, --as-model",
      "also what a loader of the architecture reads of it: which keys and "
      "tensors it ignores, and why, and which are left over, an error",
      &as_model_);
  table.Group("hash")
      .Switch("--xxh64", "XXH64, against accidents (the default)", &xxh64_)
      .Switch("--sha256", "SHA-256, against anybody", &sha256_)
      .Text("--check", "FILE", "compare with what hash printed before",
            &manifest_);
  table.Group("diff (exit code 0: equal, 1: different, 2: an error)")
      .Switch("--no-values",
              "read no tensor; compare metadata, types and shapes only",
              &no_values_);
  table.Group("set")
      .Text("--type", "TYPE",
            "of a new key, or to change it: u8, i8, u16, i16, u32, i32, u64, "
            "i64, f32, f64, bool, string",
            &type_)
      .Text("--delete", "KEY", "remove it, instead of KEY VALUE", &delete_)
      .Text("-o, --output", "FILE",
            "write a new file; without it the value is overwritten in place, "
            "if it takes as many bytes",
            &output_)
      .Switch("--force",
              "allow general.architecture, general.alignment and split.*",
              &force_);
  table.Group("split")
      .Integer("--split-max-tensors", "N", "tensors of a part; 0: no limit",
               &max_tensors_, {0, std::numeric_limits<int>::max()})
      .Text("--split-max-size", "SIZE",
            "bytes of a part's file: N, NK, NM or NG, powers of 1000",
            &max_size_);
  return table;
}

Status Gguf::CheckUse() const {
  const struct {
    const char* flag;
    bool given;
    std::vector<std::string> actions;
  } kUses[] = {
      {"--json", json_, {"show", "check", "hash", "diff", "split", "merge"}},
      {"--dry-run", dry_run_, {"split", "merge"}},
      {"-m", as_model_, {"check"}},
      {"--xxh64", xxh64_, {"hash"}},
      {"--sha256", sha256_, {"hash"}},
      {"--check", !manifest_.empty(), {"hash"}},
      {"--no-values", no_values_, {"diff"}},
      {"--type", !type_.empty(), {"set"}},
      {"--delete", !delete_.empty(), {"set"}},
      {"-o", !output_.empty(), {"set"}},
      {"--force", force_, {"set"}},
      {"--split-max-tensors", max_tensors_ != 0, {"split"}},
      {"--split-max-size", !max_size_.empty(), {"split"}},
  };
  for (const auto& use : kUses) {
    if (!use.given || std::ranges::count(use.actions, action_) > 0) continue;
    return Error{Format("{} is for {}, not for {}", use.flag,
                        Joined(use.actions, ", "), action_)};
  }
  if (xxh64_ && sha256_) {
    return Error{"--xxh64 and --sha256: only one at a time"};
  }
  return {};
}

Status Gguf::CheckArguments() const {
  if (action_ == "set" && delete_.empty()) {
    if (has_value_) return {};
    return Error{"set needs FILE KEY VALUE"};
  }
  const std::map<std::string, const char*> targets = {
      {"diff", "OTHER"}, {"split", "PREFIX"}, {"merge", "OUT"}};
  if (const auto target = targets.find(action_); target != targets.end()) {
    if (target_.empty()) {
      return Error{Format("{} needs FILE {}", action_, target->second)};
    }
    if (!has_value_) return {};
    return Error{Format("unexpected argument '{}'", value_)};
  }
  if (action_ == "set" && path_.empty()) {
    return Error{"set --delete needs FILE"};
  }
  if (target_.empty()) return {};
  return Error{Format("unexpected argument '{}'", target_)};
}

Status Gguf::Run() {
  BRAID_TRY(CheckUse());
  BRAID_TRY(CheckArguments());
  if (path_.empty()) {
    BRAID_ASSIGN(path_, FindDefaultModel());
  }
  if (action_ == "show") return Show();
  if (action_ == "check") return Check();
  if (action_ == "hash") return Hash();
  if (action_ == "diff") return Diff();
  if (action_ == "set") return Set();
  if (action_ == "split") return Split();
  return Merge();
}

Status Gguf::Show() const {
  BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path_));
  Print(json_ ? ShowJson(file, path_) : gguf::Show(file));
  return {};
}

// A file that fails is a failure of the command, with --json too.
Status Gguf::Check() const {
  if (as_model_) return CheckAsModel();
  const Result<std::string> checked = gguf::Check(path_);
  if (json_) Print(CheckJson(checked, path_));
  if (!checked.ok()) return checked.error();
  if (!json_) Print(*checked + "\n");
  return {};
}

Status Gguf::CheckAsModel() const {
  const Result<FileUse> use = ExamineModelFile(path_);
  Result<std::string> checked = gguf::Check(path_);
  if (checked.ok() && !use.ok()) checked = use.error();
  if (checked.ok() && !use->status.ok()) {
    checked = Error{Format("{}: {}", path_, use->status.error().message)};
  }
  if (json_) {
    Print(CheckJson(checked, path_, use.ok() ? &*use : nullptr));
  } else {
    if (checked.ok()) Print(*checked + "\n");
    if (use.ok()) Print(FileUseText(*use));
  }
  if (!checked.ok()) return checked.error();
  return {};
}

Status Gguf::Hash() const {
  BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path_));
  if (!manifest_.empty()) return CompareWithManifest(file);
  const auto kind = sha256_ ? HashKind::kSha256 : HashKind::kXxh64;
  BRAID_ASSIGN(const gguf::ModelHash hash, gguf::HashTensors(file, kind));
  Print(json_ ? HashJson(hash, path_) : gguf::ManifestText(hash, path_));
  return {};
}

Status Gguf::CompareWithManifest(const gguf::File& file) const {
  BRAID_ASSIGN(const std::string text, ReadBytes(manifest_));
  const auto manifest = gguf::ParseManifest(text);
  if (!manifest.ok()) {
    return Error{Format("{}: {}", manifest_, manifest.error().message)};
  }
  const auto compare = [&]() -> Result<std::string> {
    std::vector<std::string> kinds;
    for (const gguf::ModelHash& expected : *manifest) {
      if ((sha256_ && expected.kind != HashKind::kSha256) ||
          (xxh64_ && expected.kind != HashKind::kXxh64)) {
        continue;
      }
      BRAID_ASSIGN(const gguf::ModelHash found,
                   gguf::HashTensors(file, expected.kind));
      if (const Status same = gguf::CompareHashes(expected, found);
          !same.ok()) {
        return Error{Format("{}: {}", path_, same.error().message)};
      }
      kinds.emplace_back(Name(expected.kind));
    }
    if (kinds.empty()) {
      return Error{Format("{}: has no {} hashes", manifest_,
                          sha256_ ? "sha256" : "xxh64")};
    }
    return Format(
        "{}: the hashes of {} are those of {} ({})", path_,
        Counted(static_cast<int64_t>(file.tensors().size()), "tensor"),
        manifest_, Joined(kinds, ", "));
  };
  const Result<std::string> compared = compare();
  if (json_) Print(CheckJson(compared, path_));
  if (!compared.ok()) return compared.error();
  if (!json_) Print(*compared + "\n");
  return {};
}

Status Gguf::Diff() {
  BRAID_ASSIGN(const gguf::File a, gguf::File::Open(path_));
  BRAID_ASSIGN(const gguf::File b, gguf::File::Open(target_));
  GgufDiff diff;
  {
    Progress bar("comparing", ProgressMode::kBar);
    diff = CompareGguf(a, b,
                       {.values = !no_values_,
                        .progress = [&](double share) { bar.Show(share); }});
  }
  Print(json_ ? DiffJson(diff) : DiffText(diff));
  different_ = !diff.Equal();
  return {};
}

Result<gguf::Edit> Gguf::MakeEdit(const gguf::File& file) const {
  gguf::EditOptions options = {.type = {}, .force = force_};
  if (!type_.empty()) {
    options.type = gguf::FindValueType(type_);
    if (!options.type) {
      return Error{Format("--type: '{}' is no type of metadata", type_)};
    }
  }
  return delete_.empty() ? gguf::MakeSet(file, target_, value_, options)
                         : gguf::MakeDelete(file, delete_, options);
}

Status Gguf::Set() const {
  BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path_));
  BRAID_ASSIGN(const gguf::Edit edit, MakeEdit(file));
  const auto text = [](const gguf::Value* value) {
    return value == nullptr
               ? std::string("nothing")
               : Format("{} {}", TypeText(*value), ValueText(*value));
  };
  // Before it is written: the old value is a view of the file.
  const std::string changed = Format(
      "{}: {} -> {}\n", gguf::Quoted(edit.key, 80), text(file.Find(edit.key)),
      text(edit.value ? &*edit.value : nullptr));
  const InterruptGuard guard;
  const Status written =
      output_.empty() ? gguf::PatchInPlace(file, edit, path_)
                      : gguf::WriteEdited(file, edit, output_, guard.asked());
  if (!written.ok()) {
    return Error{Format("{}: {}", path_, written.error().message)};
  }
  Print(changed);
  return {};
}

void Gguf::PrintParts(const std::vector<gguf::PlannedPart>& parts) const {
  if (json_) {
    Print(SplitJson(parts, path_, !dry_run_));
    return;
  }
  std::string text;
  for (const gguf::PlannedPart& part : parts) {
    text += Format("{}: {}, {} bytes{}\n", part.path,
                   Counted(static_cast<int64_t>(part.tensors), "tensor"),
                   part.bytes, dry_run_ ? " (not written)" : "");
  }
  Print(text);
}

Status Gguf::Split() const {
  gguf::SplitLimits limits = {.tensors = static_cast<uint64_t>(max_tensors_)};
  if (!max_size_.empty()) {
    const Result<uint64_t> size = ParseSize(max_size_);
    if (!size.ok()) {
      return Error{Format("--split-max-size: {}", size.error().message)};
    }
    limits.bytes = *size;
  }
  if (limits.tensors == 0 && limits.bytes == 0) {
    return Error{"split needs --split-max-tensors or --split-max-size"};
  }
  BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path_));
  BRAID_ASSIGN(const auto parts, gguf::PlanSplit(file, target_, limits));
  for (const gguf::PlannedPart& part : parts) {
    BRAID_TRY(gguf::CheckNotSource(path_, file.parts(), part.path));
  }
  if (!dry_run_) {
    const InterruptGuard guard;
    BRAID_TRY(gguf::WriteSplit(file, parts, guard.asked()));
  }
  PrintParts(parts);
  return {};
}

Status Gguf::Merge() const {
  BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path_));
  if (file.Find(gguf::kSplitCountKey) == nullptr) {
    return Error{Format("{}: is no part of a split set: key {} is missing",
                        path_, gguf::kSplitCountKey)};
  }
  BRAID_TRY(gguf::CheckNotSource(path_, file.parts(), target_));
  BRAID_ASSIGN(const gguf::PlannedPart merged, gguf::PlanMerge(file, target_));
  if (!dry_run_) {
    const InterruptGuard guard;
    BRAID_TRY(gguf::WriteMerged(file, target_, guard.asked()));
  }
  PrintParts({merged});
  return {};
}

}  // namespace

std::unique_ptr<Command> MakeGguf() { return std::make_unique<Gguf>(); }

}  // namespace braid::cli
