// braid gguf: show or check a file.
#include "apps/braid/command.h"
#include "apps/braid/console.h"
#include "apps/braid/default_model.h"
#include "gguf/describe.h"

namespace braid::cli {

namespace {

class Gguf : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table
        .Positional({.placeholder = "ACTION",
                     .help = "show: metadata and tensors; check: validate "
                             "everything",
                     .choices = {"show", "check"},
                     .required = true,
                     .target = &action_})
        .Positional({.placeholder = "FILE",
                     .help = "the model that ships with braid if not given",
                     .choices = {},
                     .required = false,
                     .target = &path_});
    return table;
  }

  Status Run() override {
    if (path_.empty()) {
      BRAID_ASSIGN(path_, FindDefaultModel());
    }
    BRAID_ASSIGN(const std::string text,
                 action_ == "show" ? Show() : gguf::Check(path_));
    Print(text.ends_with('\n') ? text : text + "\n");
    return {};
  }

 private:
  Result<std::string> Show() const {
    BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path_));
    return gguf::Show(file);
  }

  std::string action_;
  std::string path_;
};

}  // namespace

std::unique_ptr<Command> MakeGguf() { return std::make_unique<Gguf>(); }

}  // namespace braid::cli
