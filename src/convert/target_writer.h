// Streams tensors of a checkpoint into a GGUF file.
#ifndef BRAID_SRC_CONVERT_TARGET_WRITER_H_
#define BRAID_SRC_CONVERT_TARGET_WRITER_H_

#include "base/thread_pool.h"
#include "braid/result.h"
#include "convert/checkpoint.h"
#include "convert/tensor_rules.h"
#include "gguf/writer.h"
#include "tensor/dtype.h"

namespace braid::convert {

// Appends all bytes of `target` in format `type` to `writer`. A piece without
// transforms passes through a buffer of a few MiB; one with transforms is in
// memory once or twice as float32. What was read is released. The bytes do not
// depend on the threads of `pool`. Errors: the writer's, and a value that is
// NaN or infinite, or that `type` cannot hold (tensor/storable.h).
Status WriteTarget(const TargetTensor& target, DType type,
                   const Checkpoint& checkpoint, ThreadPool& pool,
                   gguf::Writer& writer);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_TARGET_WRITER_H_
