# The Rust toolchain, and where it puts the binary.

# The oldest compiler that builds the workspace (Cargo.toml: rust-version).
RUST_MINOR=95

need_rust() {
    if ! command -v cargo >/dev/null && [[ -x $HOME/.cargo/bin/cargo ]]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    local version
    version=$(rustc --version 2>/dev/null | cut -d' ' -f2) || true
    if [[ ! $version =~ ^1\.([0-9]+)\. || ${BASH_REMATCH[1]} -lt $RUST_MINOR ]]; then
        complain "Rust 1.$RUST_MINOR or newer is needed, found: ${version:-none}. See https://rustup.rs"
        exit 69
    fi
}

build_binary() {
    cargo build --workspace --bin heatmine
}

binary() {
    printf '%s/debug/heatmine' "${CARGO_TARGET_DIR:-$ROOT/target}"
}
