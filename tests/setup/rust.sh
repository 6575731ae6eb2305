# The Rust toolchain, and what is built with it.
# shellcheck shell=bash

# The oldest compiler that builds the workspace (Cargo.toml: rust-version).
RUST_MINOR=95

need_rust() {
    if ! command -v cargo >/dev/null && [[ -x ${HOME:-/root}/.cargo/bin/cargo ]]; then
        PATH=${HOME:-/root}/.cargo/bin:$PATH
    fi
    local version
    version=$(cd "$ROOT" && rustc --version 2>/dev/null | cut -d' ' -f2) || true
    if [[ ! $version =~ ^1\.([0-9]+)\. || ${BASH_REMATCH[1]} -lt $RUST_MINOR ]]; then
        complain "Rust 1.$RUST_MINOR or newer is needed, found: ${version:-none}. See https://rustup.rs"
        exit 69
    fi
}

# What every build needs.
need_compiler() {
    need_packages build
    need_rust
    share_builds
}

# What the checks of the source need beyond the compiler.
need_rust_tools() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return 0
    if command -v rustup >/dev/null; then
        step "Adding rustfmt and clippy to the Rust toolchain" rustup component add rustfmt clippy
    else
        complain "The checks need rustfmt and clippy; install them beside $(rustc --version)."
        exit 69
    fi
}

# The test runner: the machine's own, if it is new enough. Otherwise it is built from its source, as its authors advise.
NEXTEST=0.9.143

need_nextest() {
    local found
    found=$(cargo nextest --version 2>/dev/null | awk 'NR == 1 { print $2 }') || true
    [[ -n $found ]] && printf '%s\n' "$NEXTEST" "$found" | sort -V -C && return 0
    step "cargo-nextest $NEXTEST (the first time takes about four minutes on two cores)" \
        installed nextest-program "$NEXTEST" install_nextest
    PATH=$CACHE/nextest-program/bin:$PATH
}

install_nextest() {
    env -u RUSTC_WORKSPACE_WRAPPER CARGO_PROFILE_DEV_DEBUG=false cargo install cargo-nextest --version "$NEXTEST" \
        --locked --debug --quiet --no-default-features --features default-no-update --no-track \
        --root "$1" --target-dir "$1/build" || return 1
    rm -rf "$1/build"
}

# The binary alone. The small test beside it lets cargo choose the same features of every crate as for all tests, so that
# `./run demo` and `./run test` build each crate, llama.cpp above all, only once between them.
build_binary() {
    build_and_take debug cargo build --workspace --bin heatmine --test config
}

# The binary and all tests.
build_tests() {
    build_and_take debug cargo test --workspace --no-run
}

# The binary as it is shipped.
build_dist() {
    build_and_take dist cargo build --workspace --bin heatmine --profile dist --locked
}

# build_and_take FOLDER COMMAND...: the target folder holds the binary of whoever built last, so each checkout takes its own
# before anybody else builds. One that runs is not overwritten but replaced.
build_and_take() {
    alone "$CARGO_TARGET_DIR/heatmine.lock" take_built "$@" && forget_old_builds
}

take_built() {
    local built=$CARGO_TARGET_DIR/$1/heatmine taken=$CACHE/bin/$1/heatmine
    shift
    "$@" || return 1
    cmp -s "$built" "$taken" && return 0
    mkdir -p "${taken%/*}"
    cp "$built" "$taken.new" && mv "$taken.new" "$taken"
}

# binary [FOLDER]: the one that was taken last; FOLDER is the profile's, where it is not that for tests.
binary() {
    printf '%s/bin/%s/heatmine' "$CACHE" "${1:-debug}"
}
