// KvPage: what the memory must know of a page of keys and values.
#ifndef BRAID_SRC_NN_KV_PAGE_H_
#define BRAID_SRC_NN_KV_PAGE_H_

#include "kernels/attention.h"
#include "memory/spec.h"

namespace braid::nn {

PageLayout KvPage(const KvLayout& layout);

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_KV_PAGE_H_
