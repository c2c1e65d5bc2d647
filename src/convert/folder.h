// What a folder is, where it is none that can be converted: a sentence that
// names what was found, and what to do with it.
#ifndef BRAID_SRC_CONVERT_FOLDER_H_
#define BRAID_SRC_CONVERT_FOLDER_H_

#include <span>
#include <string>

#include "braid/result.h"
#include "convert/hf_config.h"
#include "convert/source_tensor.h"

namespace braid::convert {

// Error: `folder` is a file, is not there, has no config.json, or a file of it
// that would be read is a pointer of Git LFS in its place.
Status CheckFolder(const std::string& folder);

// Error: the config says that the weights are quantised.
Status CheckNotQuantized(const HfConfig& config);
// The same by the tensors, of folders whose config says nothing.
Status CheckNotQuantized(std::span<const SourceTensor> tensors);

// Why there are no weights in safetensors, by what else the folder has.
Error MissingWeights(const std::string& folder);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_FOLDER_H_
