# braid_vector_sources(file...): Highway files, compiled once per vector target.
# Highway 1.0.3 with g++ before 12.3 needs AVX2 as the static target. Keep such
# files few: everything else must run on an old CPU as far as CheckCpu's error
# message.
include_guard()
find_package(hwy REQUIRED)

function(braid_vector_sources)
  set_source_files_properties(${ARGN} PROPERTIES
    COMPILE_OPTIONS "-mavx2;-mfma;-mf16c;-mbmi;-mbmi2;-mlzcnt;-maes;-mpclmul"
    # None without FMA, and none that would have to be tested for nothing.
    COMPILE_DEFINITIONS "HWY_DISABLED_TARGETS=(~(HWY_AVX2|HWY_AVX3))")
endfunction()
