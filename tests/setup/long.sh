# The second tier: what finds more the longer it runs. Rounds of the tasks below take turns, each with a seed that was never
# used before; what ran stands in the user's cache, and the next call goes on from there.
# shellcheck shell=bash
#
# A row: name; tests or script; which tests (a filter of nextest) or which script; what it does

LONG_TASKS='
random_houses; tests; package(plant) and test(random_test); random weather, commands, jumps and nonsense for the core
late_houses; tests; package(plant) and test(random_houses_test); houses that read seldom and obey late or not at all, their limits by true powers
broken_input; tests; (package(inference) and test(/gguf::|text::/)) or (package(drivers) and test(words::)) or (package(gateway) and test(/lines::/)); files, words and lines that are cut and turned
kills; tests; package(house-tests) and test(bad_days::kill); kill -9 of the gateway at random moments
house_kills; tests; package(house-tests) and test(bad_days::power::after_a_kill); a fifth each: gateway starting, stopping, at work, devices, both
power_cuts; tests; package(house-tests) and test(bad_days::power::after_a_power_cut); the mains go, and with them what was not synced
garbage; tests; (package(inference) and test(garbage)) or (package(house-tests) and test(/mistakes|bad_days::devices/)); nonsense from people, devices and clients
bad_days; tests; package(house-tests) and test(/bad_days::(broker|disk|engine|wires|stop|power::trouble)/); what is cut off, filled up or hangs
soak; script; tests/setup/soak.sh; a house of some hours, its books verified and its recording decided again
'
ROUNDS=$SHARED/long/rounds.tsv
# A round that takes longer hangs.
ROUND_MAX=900
# Kills or power cuts of a round, where a round is made of them: eight rounds are 200.
ROUND_CYCLES=25
# Written in the rows of rounds.tsv.
ROUND_FORM='%s\t%s\t%s\t%d\t%d\t%s\n'

# long MINUTES | long repeat TASK SEED
long() {
    if [[ ${1:-} == repeat && -n $(task_row "${2:-}") && ${3:-} =~ ^[0-9]+$ ]]; then
        need_long
        timed "$2 with seed $3 (what it says is in .cache/long.txt)" one_round "$(task_row "$2")" "$3" && return 0
        tail -n 60 "$CACHE/long.txt"
        return 1
    elif [[ ${1:-} =~ ^[1-9][0-9]*$ && $# == 1 ]]; then
        need_long
        alone "$SHARED/long/lock" long_rounds "$1"
    else
        complain "Usage: ./run long MINUTES, or ./run long repeat TASK SEED with a task of:"
        complain "$(tasks | cut -d';' -f1 | paste -sd' ')"
        exit 64
    fi
}

need_long() {
    setup
    mkdir -p "$SHARED/long"
    touch "$ROUNDS"
}

tasks() {
    grep -v '^$' <<<"$LONG_TASKS"
}

task_row() {
    tasks | awk -F';' -v name="$1" '$1 == name'
}

# next_task: the row after that of the last round, in a circle.
next_task() {
    tasks | awk -F';' -v last="$(tail -n 1 "$ROUNDS" | cut -f3)" '
        NR == 1 { first = $0 } after { print; found = 1; exit } $1 == last { after = 1 } END { if (!found) print first }'
}

# next_seed TASK
next_seed() {
    awk -F'\t' -v task="$1" '$3 == task && $4 > seed { seed = $4 } END { print seed + 1 }' "$ROUNDS"
}

long_rounds() {
    local end=$((SECONDS + $1 * 60)) passed=0 failed=0 row name seed began result
    say "Rounds for $1 minutes"
    while ((SECONDS < end)); do
        row=$(next_task) name=${row%%;*}
        seed=$(next_seed "$name") began=$SECONDS
        if one_round "$row" "$seed"; then
            result=passed passed=$((passed + 1))
        else
            result=failed failed=$((failed + 1))
            cp "$CACHE/long.txt" "$SHARED/long/$name-$seed.txt"
            complain "$name fails with seed $seed: $SHARED/long/$name-$seed.txt. Again: ./run long repeat $name $seed"
        fi
        # shellcheck disable=SC2059
        printf "$ROUND_FORM" "$(date -u +%FT%TZ)" "$(git rev-parse --short HEAD 2>/dev/null || echo -)" "$name" "$seed" \
            $((SECONDS - began)) "$result" >>"$ROUNDS"
        announce "$name, seed $seed: $result in $((SECONDS - began)) s"
    done
    long_table
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [[ $failed == 0 ]]
}

# one_round ROW SEED: what it says is in .cache/long.txt.
one_round() {
    local kind what
    IFS=';' read -r _ kind what _ <<<"${1//; /;}"
    export HEATMINE_SEED=$2 PROPTEST_RNG_SEED=$2 HEATMINE_CYCLES=$ROUND_CYCLES
    HEATMINE_BINARY=$(binary)
    export HEATMINE_BINARY
    if [[ $kind == tests ]]; then
        timeout "$ROUND_MAX" cargo nextest run --workspace --profile long -E "$what" &>"$CACHE/long.txt" </dev/null || return 1
        [[ $(count "$CACHE/nextest/long/junit.xml" 2>>"$CACHE/long.txt") == [1-9]*' 0 '* ]]
    else
        timeout "$ROUND_MAX" bash "$what" "$HEATMINE_BINARY" "$EXPERTS" "$2" &>"$CACHE/long.txt" </dev/null
    fi
}

# long_table: what has run so far, with this call's rounds.
long_table() {
    say "All rounds so far ($ROUNDS)"
    awk -F'\t' '
        BEGIN { printf "    %-16s %7s %9s %8s  %s\n", "task", "rounds", "minutes", "failed", "last seed, seeds that failed" }
        { rounds[$3]++; seconds[$3] += $5; last[$3] = $4 }
        $6 == "failed" { failed[$3]++; seeds[$3] = seeds[$3] " " $4 }
        END { for (task in rounds) printf "    %-16s %7d %9.1f %8d  %s\n", task, rounds[task], seconds[task] / 60, failed[task],
            last[task] (seeds[task] ? "," seeds[task] : "") }' "$ROUNDS"
}
