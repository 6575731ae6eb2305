# Rules for what is not Rust code of ours: dependencies' licences and duplicates (deny.toml), and these scripts.

# The test binary applies deny.toml without the network; cargo-deny, where it is installed, is asked too.
check_policy() {
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --offline check licenses bans sources
    else
        cargo test --quiet --package house-tests -- policy::
    fi
}

check_scripts() {
    local file
    for file in run .ci/run tests/setup/*.sh; do
        bash -n "$file" || return 1
    done
    if command -v shellcheck >/dev/null; then
        shellcheck --shell=bash --exclude=SC1090,SC2086,SC2155 run .ci/run tests/setup/*.sh
    else
        announce "syntax only: shellcheck is not installed"
    fi
}

# Home Assistant is installed by a program of its own. Where it cannot be installed, its tests say that they are skipped,
# but on the machine the installation is made for (Debian, root) that is a failure.
need_home_assistant() {
    bash tests/setup/home_assistant.sh && return 0
    if is_debian && [[ $(id -u) == 0 ]]; then
        return 1
    fi
    announce "without Home Assistant: the tests that speak to it are skipped"
}
