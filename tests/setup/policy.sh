# Rules for the source: format, scripts, licences and duplicates of what is shipped, lints. Each is one check; what they add
# up to is PASSED and FAILED.
# shellcheck shell=bash

PASSED=0
FAILED=0

# checks: all of them, the quick ones first; none stops the others.
checks() {
    one_check "Format" cargo fmt --all --check
    one_check "Scripts" check_scripts
    one_check "Licences and duplicate crates" check_policy
    one_check "Lints (the first time takes about four minutes on two cores)" \
        env RUSTC_WORKSPACE_WRAPPER="$ROOT/tests/setup/clippy" cargo check --workspace --all-targets --quiet
}

one_check() {
    if timed "$@"; then
        PASSED=$((PASSED + 1))
    else
        FAILED=$((FAILED + 1))
    fi
}

# The test applies deny.toml without the network; cargo-deny, where it is installed, is asked too.
check_policy() {
    cargo test --quiet --workspace --test house -- policy:: || return 1
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --offline check licenses bans sources || return 1
    fi
}

check_scripts() {
    local file
    for file in run .ci/run tests/setup/*.sh tests/setup/{rustc,clippy}; do
        bash -n "$file" || return 1
    done
    if command -v shellcheck >/dev/null; then
        shellcheck --severity=warning --exclude=SC1090,SC2155 run .ci/run tests/setup/*.sh tests/setup/{rustc,clippy}
    else
        announce "syntax only: shellcheck is not installed"
    fi
}
