// FileUse: what of a GGUF file its model is made of, and what is left over.
//
// Whoever wrote a key or a tensor thought that the model needs it. One that the
// loader did not ask for (a layer too many, a norm that this architecture does
// not have, a bias of the output) is therefore an error, unless a table of this
// file says why it has no bearing on any result.
#ifndef BRAID_SRC_MODELS_FILE_USE_H_
#define BRAID_SRC_MODELS_FILE_USE_H_

#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "gguf/file.h"
#include "models/config_reader.h"
#include "nn/weight_source.h"

namespace braid {

struct FileUse {
  enum class Kind { kRead, kIgnored, kLeftOver };
  struct Part {
    std::string name;  // the whole key, or the tensor
    Kind kind = Kind::kRead;
    std::string_view reason = {};  // why it may be ignored
  };

  std::string architecture;
  // The keys of the architecture, "llama.*" of a llama: those of others
  // (general.*, tokenizer.*, split.*) say nothing of its arithmetic or are read
  // elsewhere. In file order.
  std::vector<Part> keys;
  std::vector<Part> tensors;  // in file order
  // Refuses what is left over: names the first tensor, else the first key, and
  // says how many more there are.
  Status status;
};

// To be asked when the model is built: of `file` which both have read from.
// `encoder_only`: as MakeModel was told.
FileUse UseOf(const gguf::File& file, const ConfigReader& reader,
              const GgufSource& source, bool encoder_only);

}  // namespace braid

#endif  // BRAID_SRC_MODELS_FILE_USE_H_
