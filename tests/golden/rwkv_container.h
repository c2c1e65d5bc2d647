// Reads a model file of rwkv.cpp (version 101) and writes it as GGUF: the
// trained RWKV models that are small enough for a test are in that form. What
// zoo/rwkv_to_gguf.py does, for tests without Python.
#ifndef BRAID_TESTS_GOLDEN_RWKV_CONTAINER_H_
#define BRAID_TESTS_GOLDEN_RWKV_CONTAINER_H_

#include <string>

#include "braid/result.h"

namespace braid {

Status ConvertRwkvContainer(const std::string& path,
                            const std::string& gguf_path);

}  // namespace braid

#endif  // BRAID_TESTS_GOLDEN_RWKV_CONTAINER_H_
