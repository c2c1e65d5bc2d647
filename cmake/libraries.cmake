# braid_library(NAME USES lib...): the static library of one folder of src/.
# Every *.cc beside the CMakeLists.txt belongs to it, except *_test.cc, which
# become one test program of the same name (`base_test`).
find_package(Threads REQUIRED)
if(BRAID_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

function(braid_library name)
  cmake_parse_arguments(ARG "" "" "USES;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(APPEND sources ${ARG_SOURCES})
  add_library(braid_${name} STATIC ${sources})
  target_include_directories(braid_${name} PUBLIC
    "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
  # Public headers need it of a project that embeds the library, too.
  target_compile_features(braid_${name} PUBLIC cxx_std_20)
  target_link_libraries(braid_${name} PUBLIC ${ARG_USES} Threads::Threads)
  if(BRAID_TESTS AND tests)
    braid_test(${name}_test LABEL unit SOURCES ${tests} USES braid_${name})
  endif()
endfunction()

# braid_test(NAME LABEL label SOURCES file... USES lib...)
function(braid_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;USES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_USES} GTest::gtest_main)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_definitions(${name} PRIVATE
    "BRAID_DATA_DIR=\"${BRAID_DATA_DIR}\""
    "BRAID_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES
    PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# braid_fuzz(NAME SOURCES file... USES lib...): a libFuzzer program.
function(braid_fuzz name)
  if(NOT BRAID_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_USES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()
