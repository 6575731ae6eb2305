#!/bin/bash
# One soak: soak.sh BINARY EXPERTS SEED. A demo runs through some hours of its house, longer or shorter by the seed; then its
# books are verified, and its recording is decided again.
set -euo pipefail

binary=$1 experts=$2 seed=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
speeds=(60 200 600)
"$binary" demo --http 127.0.0.1:0 --data "$folder/data" --experts "$experts" --record "$folder/recording.jsonl" \
    --speed "${speeds[seed % 3]}" --for "$((60 + seed * 37 % 120))s"
"$binary" ledger verify --data "$folder/data"
"$binary" replay "$folder/recording.jsonl"
