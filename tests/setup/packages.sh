# System packages: what is missing, installed on Debian as root and named everywhere else.
# shellcheck shell=bash
#
# A row: what it is for | how its presence is seen (a program, file:PATTERN... or python:MODULE) | Debian's package, with a
# question mark where nothing but time is lost without it

PACKAGES='
build|cc|build-essential
build|c++|build-essential
build|make|build-essential
build|cmake|cmake
build|pkg-config|pkg-config
build|ccache|ccache?
build|file:/usr/lib*/llvm*/lib*/libclang.so* /usr/lib*/libclang.so* /usr/lib/*/libclang.so* /usr/lib/*/libclang-[0-9]*.so* /opt/homebrew/opt/llvm/lib/libclang.*|libclang-dev
build|file:/usr/lib*/llvm*/lib*/clang/*/include/stddef.h /usr/lib*/clang/*/include/stddef.h /opt/homebrew/opt/llvm/lib/clang/*/include/stddef.h|libclang-dev
build|file:/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem|ca-certificates
test|mosquitto|mosquitto
test|mosquitto_pub|mosquitto-clients
test|influxd|influxdb
test|victoria-metrics|victoria-metrics
test|mbpoll|mbpoll
test|chromium|chromium
test|chromedriver|chromium-driver
test|file:/usr/share/fonts/truetype/dejavu/* /usr/share/fonts/dejavu*/*|fonts-dejavu-core
test|jq|jq
test|sqlite3|sqlite3
test|curl|curl
test|shellcheck|shellcheck
test|python:ensurepip|python3-venv
home_assistant|ffmpeg|ffmpeg
home_assistant|patchelf|patchelf
home_assistant|file:/usr/lib/*/libturbojpeg.so.0*|libturbojpeg0
home_assistant|file:/usr/share/keyrings/debian-archive-keyring.*|debian-archive-keyring
'

is_debian() {
    [[ -r /etc/os-release ]] && grep -qE '^ID=debian$' /etc/os-release && command -v apt-get >/dev/null
}

# present PROGRAM-OR-PATTERN
present() {
    if [[ $1 == python:* ]]; then
        python3 -c "import ${1#python:}" 2>/dev/null
        return
    fi
    if [[ $1 == file:* ]]; then
        local pattern
        for pattern in ${1#file:}; do
            [[ -e $pattern ]] && return 0
        done
        return 1
    fi
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" >/dev/null
}

# missing PURPOSE...: one line for each thing that is not there: WHAT|PACKAGE
missing() {
    local purpose what package
    while IFS='|' read -r purpose what package; do
        [[ -n $purpose && " $* " == *" $purpose "* ]] || continue
        present "$what" || printf '%s|%s\n' "$what" "$package"
    done <<<"$PACKAGES"
}

# Home Assistant is only installed on Debian, where its own packages have these names.
need_test_packages() {
    if is_debian; then
        need_packages build test home_assistant
    else
        need_packages build test
    fi
}

# installs_all: whether the set-up installs everything itself: on Debian, as root.
installs_all() {
    is_debian && [[ $(id -u) == 0 ]]
}

# packages_of GAPS: the packages alone, on one line.
packages_of() {
    cut -d'|' -f2 <<<"$1" | tr -d '?' | sort -u | paste -sd' '
}

# need_packages PURPOSE...
need_packages() {
    local gaps packages
    gaps=$(missing "$@")
    [[ -n $gaps ]] || return 0
    if installs_all; then
        packages=$(packages_of "$gaps")
        # shellcheck disable=SC2086 # one word each
        timed "Installing system packages: $packages" alone "$SHARED/packages.lock" install_packages $packages || true
        gaps=$(missing "$@" | grep -v '?$' || true)
        [[ -z $gaps ]] && return 0
        complain "Still missing after the installation: $(packages_of "$gaps")"
        exit 69
    fi
    gaps=$(grep -v '?$' <<<"$gaps" || true)
    [[ -n $gaps ]] || return 0
    name_packages "$gaps"
    exit 69
}

# name_packages GAPS: what a person has to install.
name_packages() {
    local what package packages
    packages=$(packages_of "$1")
    complain "Missing on this machine:"
    while IFS='|' read -r what package; do
        case $what in
        file:*) complain "  a file of Debian's package $package" ;;
        python:*) complain "  Python's module ${what#python:} (Debian's package $package)" ;;
        *) complain "  the program $what (Debian's package $package)" ;;
        esac
    done <<<"$1"
    if is_debian; then
        complain "Install them as root and repeat:"
        complain "  apt-get update && apt-get install -y --no-install-recommends $packages"
    else
        complain "Install them with your distribution's package manager and repeat; Debian 12 calls them: $packages"
    fi
}

# install_packages NAME...: services that come with a package are not started; the tests start their own.
install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q || return 1
    RUNLEVEL=1 apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 "$@" </dev/null
}
