# cargo's tests, and what they and the checks add up to.
# shellcheck shell=bash

RESULTS=$CACHE/tests.txt

# cargo_tests [FILTER]: the output of passing tests is kept in .cache/tests.txt and left out here, but for skips.
cargo_tests() {
    mkdir -p "$CACHE"
    HEATMINE_BINARY=$(binary) CARGO_TERM_COLOR=never cargo test --workspace --no-fail-fast -- --show-output "$@" </dev/null 2>&1 | tee "$RESULTS" | quieter
}

quieter() {
    awk '/^successes:$/ { quiet = 1 }
         /^(failures:|test result:)/ { quiet = 0 }
         !quiet || /SKIPPED:/ { print; fflush() }'
}

# closing_line: what passed and what failed, over all test binaries and the checks; fails when something failed. A test that
# said SKIPPED did not pass, and a binary that ended without its result counts as one failed test.
closing_line() {
    local passed failed skipped
    read -r passed failed skipped < <(awk '
        /^ +Running .*\/deps\/.*\)$/ || /^ +Doc-tests / { failed += open; open = 1 }
        /^successes:$/ { well = 1 }
        /^failures:$/ { well = 0 }
        /^---- .* stdout ----$/ { output = well }
        output && /SKIPPED:/ { skipped++; output = 0 }
        /^test result:/ { open = well = output = 0; passed += $4; failed += $6 }
        END { print passed - skipped, failed + open, skipped + 0 }' "$RESULTS")
    if [[ $((passed + failed)) == 0 ]]; then
        complain "No test ran: either none bears that name, or they do not compile; see above."
        failed=1
    fi
    say "$PASSED of $((PASSED + FAILED)) checks and $passed of $((passed + failed + skipped)) tests passed, $skipped tests were skipped for want of a peer; all output is in .cache/tests.txt"
    printf '%d passed, %d failed\n' $((PASSED + passed)) $((FAILED + failed))
    [[ $((FAILED + failed)) == 0 ]]
}
