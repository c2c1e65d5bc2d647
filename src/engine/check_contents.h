// Asks the loader about a file that nobody has written yet.
#ifndef BRAID_SRC_ENGINE_CHECK_CONTENTS_H_
#define BRAID_SRC_ENGINE_CHECK_CONTENTS_H_

#include "braid/result.h"
#include "gguf/writer.h"

namespace braid {

// Would Model::Load take a file of these contents? Its vocabulary, its keys and
// the names and shapes of its tensors are looked at, by the same code. A file
// without tensors is asked for its vocabulary alone. Errors are the loader's.
// Takes about the memory of the vocabulary.
Status CheckContents(const gguf::Contents& contents);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_CHECK_CONTENTS_H_
