# The user's cache: what all checkouts, clones and CI share, so that it is compiled, fetched and installed once. It can be
# removed at any time; the next command makes it anew. A checkout's own data (.cache/demo, results, its binary) stay in it.
# shellcheck shell=bash

SHARED=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/heatmine
# What no command has used for so many days is removed.
DAYS_UNUSED=30
# What checkouts have built of the workspace's own crates is removed after so many days: those of clones that are gone, too.
DAYS_BUILT=4
# Files of these names in the target folder are the workspace's own.
OWN_CRATES='plant drivers inference gateway heatmine house-tests house config feeds influx wires worker'

# One target folder for all. Cargo takes two checkouts of one workspace for the same and would run the one's code in the
# other; what is built through wrappers of different paths it keeps apart, and the wrapper lies in the checkout. Only the
# workspace's own crates are built through it: everything else, llama.cpp above all, is shared.
share_builds() {
    mkdir -p "$CACHE"
    if [[ -z ${CARGO_TARGET_DIR:-} ]]; then
        export CARGO_TARGET_DIR=$SHARED/target RUSTC_WORKSPACE_WRAPPER=$ROOT/tests/setup/rustc
        # Nobody builds there twice.
        [[ -z ${CI:-} ]] || export CARGO_INCREMENTAL=0
    fi
    mkdir -p "$CARGO_TARGET_DIR"
    use_ccache
}

# C++ that was compiled once comes out of ccache after that, in whatever folder it is built. Nothing depends on it.
use_ccache() {
    command -v ccache >/dev/null || return 0
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_DIR=${CCACHE_DIR:-$SHARED/ccache}
}

# alone FILE COMMAND...: runs the command while nobody else has the lock in FILE.
alone() {
    local lock=$1
    shift
    mkdir -p "${lock%/*}"
    if ! command -v flock >/dev/null; then
        "$@"
        return
    fi
    (
        flock -n 9 || announce "waiting for another ./run, which is at the same"
        flock 9 || exit 1
        "$@"
    ) 9>"$lock"
}

# installed NAME VERSION COMMAND...: NAME in the user's cache, with a link to it in .cache. `COMMAND FOLDER` fills an empty
# folder. Each version has a folder of its own, so that checkouts of different ages take nothing from each other; what
# somebody began and did not end has no stamp, and is made anew.
installed() {
    local name=$1 version=$2 folder
    shift 2
    folder=$SHARED/$name-$(sha256sum <<<"$version" | cut -c1-12)
    alone "$SHARED/$name.lock" install_once "$folder" "$version" "$@" || return 1
    link "$name" "$folder"
    find "$SHARED" -maxdepth 1 -name "$name-*" -mtime +"$DAYS_UNUSED" -exec rm -rf {} +
}

install_once() {
    local folder=$1 version=$2
    shift 2
    if [[ $(cat "$folder/installed" 2>/dev/null) == "$version" ]]; then
        announce "already in $folder"
        touch "$folder"
        return 0
    fi
    announce "into $folder"
    rm -rf "$folder"
    mkdir -p "$folder" || return 1
    "$@" "$folder" || return 1
    printf '%s' "$version" >"$folder/installed"
}

# link NAME FOLDER: .cache/NAME leads to the folder.
link() {
    mkdir -p "$CACHE"
    [[ -L $CACHE/$1 ]] || rm -rf "${CACHE:?}/$1"
    ln -sfn "$2" "$CACHE/$1"
}

# Models belong to no version of anything. Those that an older checkout has are moved.
link_experts() {
    mkdir -p "$SHARED/experts"
    if [[ -d $EXPERTS && ! -L $EXPERTS ]]; then
        mv -n "$EXPERTS"/* "$SHARED/experts/" 2>/dev/null || true
    fi
    link experts "$SHARED/experts"
}

# What the workspace's own crates have left in the target folder: NAME... for find.
own_artefacts() {
    local crate first=1
    for crate in $OWN_CRATES; do
        [[ $first == 1 ]] || printf '%s\n' -o
        printf '%s\n' -name "$crate-*" -o -name "lib$crate-*"
        first=0
    done
}

# forget FIND-TEST...: removes those of them that the test picks. Whoever still needs one builds it again.
forget() {
    local names=() folders=() folder
    mapfile -t names < <(own_artefacts)
    for folder in "$CARGO_TARGET_DIR"/*/{deps,.fingerprint,incremental}; do
        [[ -d $folder ]] && folders+=("$folder")
    done
    [[ ${#folders[@]} == 0 ]] || find "${folders[@]}" -mindepth 1 -maxdepth 1 \( "${names[@]}" \) "$@" -exec rm -rf {} +
}

# CI's clone is gone after its run, and so is what it built.
forget_this_build_later() {
    local began
    began=$(mktemp)
    # shellcheck disable=SC2064 # as it is now
    trap "[[ -z \${RUSTC_WORKSPACE_WRAPPER:-} ]] || forget -newer $began; rm -f $began" EXIT
}

forget_old_builds() {
    [[ -z ${RUSTC_WORKSPACE_WRAPPER:-} ]] || forget -mtime +"$DAYS_BUILT"
}
