# The tests, and what they and the checks add up to.
# shellcheck shell=bash

OUTPUT=$CACHE/tests.txt

# cargo_tests [FILTER...]: the output of passing tests is kept in nextest's report and left out here. Examples in the
# documentation are tests, too.
cargo_tests() {
    local report=$CACHE/nextest/default/junit.xml nextest=0 examples=''
    rm -f "$report"
    HEATMINE_BINARY=$(binary) CARGO_TERM_COLOR=never cargo nextest run --workspace "$@" </dev/null 2>&1 | tee "$OUTPUT" || nextest=$?
    if [[ $# == 0 ]]; then
        examples=$(cargo test --workspace --doc --quiet </dev/null 2>&1) || complain "$examples"
    fi
    closing_line "$report" "$nextest" "$examples"
}

# count REPORT [OPTION...]: `PASSED FAILED SKIPPED` of nextest's report; a run without one has failed.
count() {
    local report=$1 installs=()
    shift
    ! installs_all || installs=(--everything-installed)
    if [[ -e $report ]]; then
        python3 tests/setup/results.py "$report" tests/skips.txt "${installs[@]}" "$@"
    else
        complain "No test ran: either none bears that name, or they do not compile; see above."
        echo 0 1 0
    fi
}

# closing_line REPORT STATUS EXAMPLES: what passed and what failed, over all tests and the checks; fails when something failed.
closing_line() {
    local passed failed skipped passed_examples failed_examples
    say "Results"
    read -r passed failed skipped < <(count "$1" --slowest 10)
    [[ $2 == 0 || $failed != 0 ]] || failed=1
    read -r passed_examples failed_examples < <(awk '
        /^test result:/ { passed += $4; failed += $6 } /^error/ { wrong = 1 }
        END { print passed + 0, failed + (wrong && !failed) }' <<<"$3")
    passed=$((passed + passed_examples)) failed=$((failed + failed_examples))
    say "$PASSED of $((PASSED + FAILED)) checks and $passed of $((passed + failed + skipped)) tests passed, $skipped tests were skipped for a reason that tests/skips.txt allows; their output is in .cache/nextest"
    printf '%d passed, %d failed\n' $((PASSED + passed)) $((FAILED + failed))
    [[ $((FAILED + failed)) == 0 ]]
}
