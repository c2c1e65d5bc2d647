# Sourced by scripts/test and scripts/nightly: named sections with their wall
# time, the builds and runs that both share, and the sum of what was run.

passed=0
failed=0
skipped=0
failed_sections=()

# section NAME COMMAND...: runs the command and returns its status. A failed
# section is noted, so that independent ones can follow; without a failed test
# (a build, for one) it counts as one itself.
section() {
  local name=$1 begin=$SECONDS failed_before=$failed status=0
  shift
  printf '\n=== %s\n' "$name"
  "$@" || status=$?
  if ((status != 0)); then
    failed_sections+=("$name")
    if ((failed == failed_before)); then failed=$((failed + 1)); fi
  fi
  echo "=== $name: $( ((status == 0)) && echo ok || echo FAILED)," \
    "$((SECONDS - begin)) s"
  return "$status"
}

configure() {  # PRESET
  local said
  said=$(cmake --preset "$1" 2>&1) || { echo "$said"; return 1; }
}

# build PRESET [TARGET...]: what ninja prints only if it fails.
build() {
  local preset=$1 log="build/$1/build.log"
  shift
  configure "$preset" || return
  cmake --build --preset "$preset" ${1:+--target "$@"} >"$log" 2>&1 ||
    { grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking)' "$log"; return 1; }
}

# run_ctest PRESET ARGUMENTS...: prints failures only, and adds to the sum.
# Finding nothing to run is a failure.
run_ctest() {
  local folder="build/$1" report="build/$1/ctest-report.xml" status
  shift
  rm -f "$report"
  ctest --test-dir "$folder" --output-on-failure --no-tests=error \
    --output-junit "$(basename "$report")" -j "$(nproc)" "$@" </dev/null |
    grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test .* Passed )'
  status=${PIPESTATUS[0]}
  [[ -f $report ]] || return 1
  local tests failures left_out
  tests=$(report_count "$report" tests)
  failures=$(report_count "$report" failures)
  left_out=$(($(report_count "$report" disabled) +
    $(report_count "$report" skipped)))
  failed=$((failed + failures))
  skipped=$((skipped + left_out))
  passed=$((passed + tests - failures - left_out))
  return "$status"
}

# An attribute of <testsuite ...>, which stands before the first test case.
report_count() {  # REPORT ATTRIBUTE
  sed '/<testcase/q' "$1" | grep -oE "\\b$2=\"[0-9]+\"" | head -n 1 |
    grep -oE '[0-9]+'
}

# fuzz_names [FOLDER]: X for every fuzz target X_fuzz; with FOLDER, for those
# that call that folder of src/ themselves. The sources are the list.
fuzz_names() {
  grep -lE "^#include \"${1:+$1/}" tests/fuzz/*_fuzz.cc |
    sed -E 's:.*/(.*)_fuzz\.cc:\1:'
}

# The same names as targets to build: X_fuzz, and X_seeds where a program writes
# its seeds.
fuzz_targets() {  # [FOLDER]
  local name
  for name in $(fuzz_names "$@"); do
    echo "${name}_fuzz"
    if [[ -e tests/fuzz/${name}_seeds.cc ]]; then echo "${name}_seeds"; fi
  done
}

# run_fuzzers LIBFUZZER_FLAG...: every fuzz target, one after another.
run_fuzzers() {
  local name status=0
  for name in $(fuzz_names); do run_fuzzer "$name" "$@" || status=1; done
  return "$status"
}

# run_fuzzer X LIBFUZZER_FLAG...: X_fuzz from its seeds, with its dictionary if
# it has one; counts as one test. What breaks it stays in build/fuzz for a test
# in tests/issues.
run_fuzzer() {
  local name=$1 corpus="build/fuzz/corpus/$1" log="build/fuzz/$1.log"
  local flags=("${@:2}") status=0
  if [[ -e tests/fuzz/$name.dict ]]; then
    flags+=("-dict=tests/fuzz/$name.dict")
  fi
  mkdir -p "$corpus"
  if [[ -e tests/fuzz/${name}_seeds.cc ]]; then
    "build/fuzz/bin/${name}_seeds" "$corpus" || status=1
  fi
  if "build/fuzz/bin/${name}_fuzz" "${flags[@]}" -timeout=20 \
      -rss_limit_mb=3000 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/$name-" "$corpus" \
      >"$log" 2>&1 </dev/null; then
    passed=$((passed + 1))
    echo "${name}_fuzz: $(grep -oE 'number_of_executed_units: +[0-9]+' "$log" |
      grep -oE '[0-9]+') executions"
  else
    failed=$((failed + 1))
    status=1
    tail -n 60 "$log"
  fi
  return "$status"
}

# The last lines of a run; its status is the script's.
summary() {
  echo
  local name
  for name in "${failed_sections[@]}"; do echo "failed section: $name"; done
  echo "wall time: $SECONDS s"
  local line="$passed passed, $failed failed"
  if ((skipped > 0)); then line+=", $skipped skipped"; fi
  echo "$line"
  ((failed == 0))
}
