// ThreadCount: how many threads a user's -t means.
#ifndef BRAID_SRC_ENGINE_THREAD_COUNT_H_
#define BRAID_SRC_ENGINE_THREAD_COUNT_H_

namespace braid {

// `wanted` itself if above 0, else one per core.
int ThreadCount(int wanted);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_THREAD_COUNT_H_
