// Mixtures: which tensors of a file type get another format than most.
#ifndef BRAID_SRC_QUANTIZE_MIXTURE_H_
#define BRAID_SRC_QUANTIZE_MIXTURE_H_

#include "quantize/file_type.h"
#include "quantize/tensor_site.h"
#include "tensor/dtype.h"

namespace braid::quantize {

// The format of a quantisable tensor of row width `width`, by the rules that
// users of these names expect. `weighted`: an importance matrix is there.
DType MixtureType(FileType type, const Census& census, const Place& place,
                  int64_t width, bool weighted);

// What holds rows of `width`: `wanted` if its blocks divide the width, else
// the next larger format whose blocks do, F16 in the end.
DType FittingType(DType wanted, int64_t width);

}  // namespace braid::quantize

#endif  // BRAID_SRC_QUANTIZE_MIXTURE_H_
