// Writes a planned file: tensors stream from the mapped source through a buffer
// of a few MiB, rows in parallel.
#ifndef BRAID_SRC_QUANTIZE_QUANTIZER_H_
#define BRAID_SRC_QUANTIZE_QUANTIZER_H_

#include <functional>
#include <string>

#include "base/thread_pool.h"
#include "braid/result.h"
#include "gguf/file.h"
#include "quantize/plan.h"

namespace braid::quantize {

// Told of every tensor before it is written: the tensor, and source bytes that
// are done.
using QuantizeProgress =
    std::function<void(const PlannedTensor& tensor, uint64_t done)>;

// Writes `plan`, made of `file` with `options`, to `path`; with
// options.keep_split to the parts of a set, for which `path` gives the name
// without the numbers. The bytes do not depend on the threads. Errors: a value
// that its format cannot hold (tensor/storable.h), the writer's. Parts
// that were finished before an error stay. `cancelled`, if given, is asked
// every few MiB: true is an error.
Status WriteQuantized(const gguf::File& file, const Plan& plan,
                      const QuantizeOptions& options, const std::string& path,
                      ThreadPool& threads, const QuantizeProgress& progress,
                      const std::function<bool()>& cancelled = {});

}  // namespace braid::quantize

#endif  // BRAID_SRC_QUANTIZE_QUANTIZER_H_
