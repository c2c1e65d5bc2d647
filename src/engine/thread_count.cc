#include "engine/thread_count.h"

#include <algorithm>
#include <thread>

namespace braid {

int ThreadCount(int wanted) {
  if (wanted > 0) return wanted;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace braid
