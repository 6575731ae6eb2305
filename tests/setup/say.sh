# Words on the terminal: headings, durations, and what went wrong.
# shellcheck shell=bash

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
    BOLD='' PLAIN=''
fi

say() {
    printf '%s==> %s%s\n' "$BOLD" "$*" "$PLAIN"
}

complain() {
    printf '%s\n' "$*" >&2
}

# announce: whether a thing has to be fetched or built first is said before it takes its time.
announce() {
    printf '    %s\n' "$*"
}

# timed HEADING COMMAND...: runs the command, says how long it took, and returns what it returned.
timed() {
    local heading=$1 began=$SECONDS
    shift
    say "$heading"
    if "$@"; then
        announce "done in $((SECONDS - began)) s"
    else
        complain "Failed: $heading (after $((SECONDS - began)) s)"
        return 1
    fi
}

# step HEADING COMMAND...: the same for what everything after it needs: a failure ends the script.
step() {
    timed "$@" || exit 1
}
