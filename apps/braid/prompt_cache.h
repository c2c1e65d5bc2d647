// PromptCache: the state of a prompt in a file, so that the next run evaluates
// only what is new. Works for every kind of model.
#ifndef BRAID_APPS_BRAID_PROMPT_CACHE_H_
#define BRAID_APPS_BRAID_PROMPT_CACHE_H_

#include <functional>
#include <string>
#include <string_view>

#include "apps/braid/flags.h"
#include "apps/braid/scheduler.h"
#include "apps/braid/text_sequence.h"
#include "braid/engine.h"
#include "braid/result.h"

namespace braid::cli {

struct PromptCache {
  std::string path;  // empty: none
  bool all = false;  // save what was generated, too
  bool read_only = false;

  void Declare(FlagTable& table);

  // Error: the file cannot be written, or is no file. Ask before any work.
  Status CheckPath() const;

  // Generates one text in sequence 0 of an engine that is empty: what the file
  // has of it is not evaluated, and the file is replaced. A file that is not
  // there, or empty, is no error; one of another model is. What a file has and
  // is of no use is said on standard error. `heading` is called once before the
  // first text, `on_text` gets a line break at its end, and `cancelled` is
  // asked as by TextSequence. A file that cannot be written costs no text: the
  // error comes at the end.
  Status Run(Engine& engine, const Request& request,
             const std::function<bool()>& cancelled,
             const std::function<void()>& heading,
             const std::function<void(std::string_view)>& on_text,
             SchedulerTimes& times) const;

 private:
  // Is there a file that is not empty, and is its encoder text, if the model
  // has an encoder, the request's?
  Result<bool> CanUse(const Model& model, const Request& request) const;
  // Evaluates what the file does not have of the prompt; returns how many
  // tokens. With `keep_way_back` to before the last token.
  Result<int> Hold(TextSequence& text, Engine& engine, const Request& request,
                   bool keep_way_back) const;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_PROMPT_CACHE_H_
