# EMHASS, another energy manager, to plan beside: its optimisation is a mixed-integer program. 1.1 GB, with a Python below 3.13.
# shellcheck shell=bash

EMHASS='emhass==0.18.7'

# emhass [--seconds N] [CASE...]: plans of a house with compute and a heat pump that is on or off, HeatMine's beside EMHASS's.
emhass() {
    need_packages build test
    need_compiler
    step "EMHASS (the first time takes about two minutes)" need_python_packages emhass "$EMHASS"
    step "Building HeatMine" build_binary
    python3 tests/bench/heat_pump.py "$(binary)" "$CACHE/emhass/bin/python" "$@"
}
