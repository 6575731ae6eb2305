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

# The binary alone. The small test beside it lets cargo choose the same features of every crate as for all tests, so that
# `./run demo` and `./run test` build each crate, llama.cpp above all, only once between them.
build_binary() {
    cargo build --workspace --bin heatmine --test config
}

# The binary and all tests.
build_tests() {
    cargo test --workspace --no-run
}

# Where the last build put it; BUILT is the profile, where it is not the one for tests.
binary() {
    printf '%s/%s/heatmine' "${CARGO_TARGET_DIR:-$ROOT/target}" "${BUILT:-debug}"
}
