# How the set-up speaks: one line a step, with how long it took. Sourced, not run.

LOG=var/log/setup.log

now() {
    echo "${EPOCHREALTIME:-$(date +%s).0}"
}

since() {
    awk -v from="${1/,/.}" -v to="$(now | tr , .)" 'BEGIN { printf "%.1f s", to - from }'
}

# step WHAT COMMAND...: runs COMMAND with its output in the log; where it fails, shows the end of it and stops.
step() {
    local what=$1 began
    shift
    mkdir -p var/log
    printf '  %s ... ' "$what"
    began=$(now)
    if "$@" >"$LOG" 2>&1; then
        printf '%s\n' "$(since "$began")"
    else
        printf 'failed\n\n'
        tail -n 25 "$LOG" | sed 's/^/    /' >&2
        stop "$what failed; all of its output is in $LOG"
    fi
}

stop() {
    printf '\n%s\n' "$*" >&2
    exit 1
}
