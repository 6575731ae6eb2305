# cargo's tests and what they add up to.

RESULTS=$CACHE/tests.txt

# cargo_tests [FILTER]: the output of passing tests is kept in .cache/tests.txt and left out here, but for skips.
cargo_tests() {
    mkdir -p "$CACHE"
    local status=0
    cargo test --workspace --no-fail-fast -- --show-output "$@" </dev/null 2>&1 | tee "$RESULTS" | quieter || status=$?
    return "$status"
}

quieter() {
    awk '/^successes:$/ { quiet = 1 }
         /^(failures:|test result:)/ { quiet = 0 }
         !quiet || /SKIPPED:/'
}

# closing_line: the closing line, summed over all test binaries; a test that said SKIPPED did not pass.
closing_line() {
    awk '/^---- .* stdout ----$/ { open = 1 }
         open && /SKIPPED:/ { skipped++; open = 0 }
         /^test result:/ { open = 0; passed += $4; failed += $6; skipped += $8; ignored += $8 }
         END { printf "%d passed, %d failed, %d skipped\n", passed - skipped + ignored, failed, skipped }' "$RESULTS"
}
