#!/bin/bash
# Installs the real Home Assistant into the empty folder $1, for the tests that speak to it.
#
# Home Assistant needs a Python newer than Debian 12's. Where the machine has none, the interpreter of Debian forky is
# unpacked beside the system (nothing is installed into it) and made to use the C library it came with.
set -euo pipefail

HOME_ASSISTANT=2026.11.0
PYTHON=3.14 # the least that this Home Assistant runs on is 3.14.2
# What the tests load beyond what every Home Assistant loads.
INTEGRATIONS="mqtt ollama energy recorder history logbook config conversation frontend lovelace"

target=$1

say() { echo "home-assistant: $*"; }
fail() { echo "home-assistant: cannot install: $*" >&2; exit 1; }
trap 'echo "home-assistant: stopped at line $LINENO: $BASH_COMMAND" >&2' ERR

started=$SECONDS

# Debian packages it needs on the machine: a compiler for two small extensions, a JPEG library that it otherwise searches for
# with the compiler at each start, and what relocates the interpreter.
system_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || fail "this machine has no apt-get; install these yourself: ${missing[*]}"
    [ "$(id -u)" = 0 ] || fail "not root; run first: apt-get install ${missing[*]}"
    say "installing Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$target/apt.log" 2>&1 \
        || { tail -5 "$target/apt.log" >&2; fail "apt-get install failed, see $target/apt.log"; }
}

# Prints the path of a Python that is new enough and can make a virtual environment with C extensions; nothing where there is none.
system_python() {
    local python
    python=$(command -v "python$PYTHON") || return 0
    "$python" - 2>/dev/null <<'PY' || true
import os, sys, sysconfig, venv, ensurepip
if sys.version_info >= (3, 14, 2) and os.path.exists(sysconfig.get_path("include") + "/Python.h"):
    print(sys.executable)
PY
}

# Unpacks Debian forky's Python below $1 with an apt of its own, so that the system's packages stay as they are.
unpack_python() {
    local into=$1 apt=$target/apt mirror triplet loader
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' | awk '$2 == "main" && $1 ~ /\/debian\/?$/ { print $1; exit }')
    [ -n "$mirror" ] || fail "no Debian archive is configured in /etc/apt, so there is no Python $PYTHON to be had; install one"
    triplet=$(uname -m)-linux-gnu
    case $(uname -m) in
        x86_64) loader=usr/lib64/ld-linux-x86-64.so.2 ;;
        aarch64) loader=usr/lib/ld-linux-aarch64.so.1 ;;
        *) fail "no recipe for a Python $PYTHON on $(uname -m); install one" ;;
    esac
    say "unpacking Python $PYTHON of Debian forky"
    mkdir -p "$apt"/etc/apt/{preferences.d,apt.conf.d,trusted.gpg.d} "$apt"/var/lib/apt/lists/partial "$apt"/var/lib/dpkg \
        "$apt"/var/cache/apt/archives/partial "$into"
    : >"$apt/var/lib/dpkg/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror forky main" >"$apt/etc/apt/sources.list"
    local options=(-qq -o "Dir=$apt" -o "Dir::State::status=$apt/var/lib/dpkg/status" -o APT::Sandbox::User=root
        -o APT::Install-Recommends=false -o Acquire::Languages=none)
    [ -d /etc/apt/apt.conf.d ] && cp /etc/apt/apt.conf.d/* "$apt/etc/apt/apt.conf.d/" 2>/dev/null || true
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install --download-only -y "python$PYTHON-venv" libstdc++6 libgcc-s1
    # The headers alone, without what the development package depends on.
    (cd "$apt/var/cache/apt/archives" && apt-get "${options[@]}" download "libpython$PYTHON-dev")
    for package in "$apt"/var/cache/apt/archives/*.deb; do dpkg -x "$package" "$into"; done
    patchelf --set-interpreter "$into/$loader" --force-rpath --set-rpath "$into/usr/lib/$triplet" "$into/usr/bin/python$PYTHON"
    rm -rf "$apt"
}

# Lists what the wanted integrations require, from the manifests of the installed Home Assistant.
requirements() {
    "$target/venv/bin/python" - "$@" <<'PY'
import json, pathlib, sys
import homeassistant
from homeassistant.bootstrap import CORE_INTEGRATIONS, DEFAULT_INTEGRATIONS
components = pathlib.Path(homeassistant.__file__).parent / "components"
waiting, seen, required = list({*sys.argv[1:], *CORE_INTEGRATIONS, *DEFAULT_INTEGRATIONS}), set(), set()
while waiting:
    domain = waiting.pop()
    manifest = components / domain / "manifest.json"
    if domain in seen or not manifest.exists():
        continue
    seen.add(domain)
    manifest = json.loads(manifest.read_text())
    required.update(manifest.get("requirements", []))
    waiting += manifest.get("dependencies", []) + manifest.get("after_dependencies", [])
print("\n".join(sorted(required)))
PY
}

python=$(system_python)
packages=(ca-certificates gcc g++ libturbojpeg0 ffmpeg)
[ -n "$python" ] || packages+=(patchelf debian-archive-keyring)
system_packages "${packages[@]}"
if [ -z "$python" ]; then
    unpack_python "$target/python"
    python=$target/python/usr/bin/python$PYTHON
    export CPATH=$target/python/usr/include
fi
export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
"$python" -c 'import ssl, sqlite3, sys; print("home-assistant: using Python", sys.version.split()[0])' \
    || fail "the Python $PYTHON in $target does not start"

say "making the virtual environment"
"$python" -m venv --without-pip "$target/venv"
wheels=$target/python/usr/share/python-wheels
if [ -d "$wheels" ]; then
    # Debian's own venv module looks for pip in /usr/share; here it lies elsewhere, and runs out of its wheel.
    export PYTHONPATH=$(echo "$wheels"/pip-*.whl)
else
    "$target/venv/bin/python" -m ensurepip -q >/dev/null
fi
"$target/venv/bin/python" -m pip install -q --disable-pip-version-check --root-user-action ignore uv
unset PYTHONPATH
install() { "$target/venv/bin/uv" pip install -q --compile-bytecode --python "$target/venv/bin/python" "$@"; }
say "installing Home Assistant $HOME_ASSISTANT"
install "homeassistant==$HOME_ASSISTANT"
say "installing what its integrations need (the longest step, one to two minutes)"
# shellcheck disable=SC2086 # the list is meant to be split
requirements $INTEGRATIONS >"$target/requirements.txt"
constraints=$("$target/venv/bin/python" -c 'import homeassistant, os; print(os.path.dirname(homeassistant.__file__))')/package_constraints.txt
install -c "$constraints" -r "$target/requirements.txt"
unset PYTHONDONTWRITEBYTECODE
"$target/venv/bin/hass" --version >/dev/null || fail "the installed Home Assistant does not start"
say "$HOME_ASSISTANT installed in $target in $((SECONDS - started)) s"
