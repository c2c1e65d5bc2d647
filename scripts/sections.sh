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

# The fuzz targets X_fuzz of the preset, and the programs X_seeds that write
# their seeds.
fuzz_targets() {
  cmake --build --preset fuzz --target help |
    grep -oE '^[a-z0-9_]+_(fuzz|seeds)' | sort -u
}

# run_fuzzers LIBFUZZER_FLAG...: every fuzz target, from its seeds; each counts
# as one test. What breaks one stays in build/fuzz for a test in tests/issues.
run_fuzzers() {
  local program name corpus status=0
  for program in build/fuzz/bin/*_fuzz; do
    name=$(basename "$program" _fuzz)
    corpus="build/fuzz/corpus/$name"
    mkdir -p "$corpus"
    if [[ -x build/fuzz/bin/${name}_seeds ]]; then
      "build/fuzz/bin/${name}_seeds" "$corpus" || status=1
    fi
    if "$program" "$@" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" "$corpus" \
        >"build/fuzz/$name.log" 2>&1 </dev/null; then
      passed=$((passed + 1))
      echo "${name}_fuzz: $(grep -oE 'number_of_executed_units: +[0-9]+' \
        "build/fuzz/$name.log" | grep -oE '[0-9]+') executions"
    else
      failed=$((failed + 1))
      status=1
      tail -n 60 "build/fuzz/$name.log"
    fi
  done
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
