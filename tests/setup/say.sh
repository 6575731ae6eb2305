# Words on the terminal: headings, durations, and what went wrong.

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

# step HEADING COMMAND...: runs the command and says how long it took; the first failure ends the script.
step() {
    local heading=$1 began=$SECONDS
    shift
    say "$heading"
    if ! "$@"; then
        complain "Failed: $heading (after $((SECONDS - began)) s)"
        exit 1
    fi
    printf '    done in %d s\n' $((SECONDS - began))
}

# announce: whether a thing has to be fetched or built first is said before it takes its time.
announce() {
    printf '    %s\n' "$*"
}
