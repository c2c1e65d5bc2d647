#include "base/guarded.h"

#include <gtest/gtest.h>

#include <string>
#include <system_error>
#include <vector>

namespace braid {
namespace {

template <class Throwing>
std::string MessageOf(const Throwing& throwing) {
  const Status status = Guarded("counting", [&]() -> Status {
    throwing();
    return {};
  });
  return status.ok() ? "ok" : status.error().message;
}

TEST(GuardedTest, ValuesAndErrorsPass) {
  const auto seven = Guarded("counting", []() -> Result<int> { return 7; });
  ASSERT_TRUE(seven.ok());
  EXPECT_EQ(*seven, 7);
  const auto none =
      Guarded("counting", []() -> Result<int> { return Error{"none"}; });
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().message, "none");
}

TEST(GuardedTest, ExceptionsBecomeSentences) {
  EXPECT_EQ(MessageOf([] { throw OutOfMemory(4096); }),
            "out of memory: 4096 bytes more were needed while counting");
  EXPECT_EQ(MessageOf([] { throw std::bad_alloc(); }),
            "out of memory while counting");
  EXPECT_EQ(MessageOf([] {
              std::vector<int> values;
              values.reserve(values.max_size() + 1);
            }),
            "out of memory while counting: more was needed than can be "
            "addressed");
  EXPECT_EQ(
      MessageOf([] {
        throw std::system_error(
            std::make_error_code(std::errc::resource_unavailable_try_again),
            "cannot start thread 3 of 8");
      }),
      "cannot start thread 3 of 8: Resource temporarily unavailable "
      "(while counting)");
  EXPECT_EQ(MessageOf([] { throw std::string("of the caller"); }),
            "an exception that is no std::exception, while counting");
}

}  // namespace
}  // namespace braid
