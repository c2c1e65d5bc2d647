option(BRAID_TESTS "Build the tests" ON)
option(BRAID_BENCH "Build the benchmarks" ON)
option(BRAID_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(BRAID_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")
set(BRAID_DATA_DIR "${CMAKE_SOURCE_DIR}/../shared/data" CACHE PATH
  "Public test data beside the project; may be absent")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

# The bits of the contract: an FMA is written, never made by the compiler.
add_compile_options(-ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow
  -Wconversion -Wno-sign-conversion -Werror)
if(BRAID_SANITIZE)
  add_compile_options("-fsanitize=${BRAID_SANITIZE}" -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options("-fsanitize=${BRAID_SANITIZE}")
endif()
if(BRAID_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
