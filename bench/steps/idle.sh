# The part idle: what a client that is logged in and does nothing costs. Each subject gets a new process for it, so that
# no memory left over from load hides the cost.

idle_part() {
    local subject
    for subject in $subjects; do
        [ "$subject" = direct ] || idle_subject "$subject"
    done
}

idle_subject() {
    local subject=$1 name=idle-$1 pid base_rss base_private rss private
    start_subject "$subject" "$name" $((port + 8))
    pid=${pid_of[$name]}
    # What any process does once (compiling the login, opening its pool) belongs to the base.
    with_clients 500 "${port_of[$name]}" settle "$pid"
    "$programs/pgbench" -n -S -c 16 -j 2 -T 3 -p "${port_of[$name]}" >/dev/null 2>&1
    settle "$pid"
    base_rss=$(status_of "$pid" VmRSS) base_private=$(private_of "$pid")
    with_clients "$idle" "${port_of[$name]}" measure_idle "$pid"
    stop_subject "$name"
}

# with_clients COUNT PORT COMMAND…: runs the command while COUNT clients are logged in.
with_clients() {
    local count=$1 at=$2 ready
    shift 2
    coproc IDLE { exec dotnet exec "$load_program" idle "$at" "$count"; }
    local idle_pid=$IDLE_PID input=${IDLE[1]}
    read -r ready <&"${IDLE[0]}" || fail "The idle clients could not log in."
    "$@"
    exec {input}>&-
    wait "$idle_pid" || true
}

measure_idle() {
    local pid=$1
    settle "$pid"
    rss=$(status_of "$pid" VmRSS) private=$(private_of "$pid")
    record idle "$idle clients" "$subject" private "$(awk -v kb=$((private - base_private)) -v n="$idle" 'BEGIN { printf "%.2f", kb / n }')"
    record idle "$idle clients" "$subject" rss "$(awk -v kb=$((rss - base_rss)) -v n="$idle" 'BEGIN { printf "%.2f", kb / n }')"
    record idle "$idle clients" "$subject" base "$(awk -v kb="$base_rss" 'BEGIN { printf "%.1f", kb / 1024 }')"
    say "$idle idle clients, $subject: $(((rss - base_rss) / idle)) KB each, base $((base_rss / 1024)) MB"
}

# Until the resident memory has stayed within 1 % for 5 s, at most 40 s.
settle() {
    local pid=$1 last=0 now same=0
    for _ in $(seq 40); do
        now=$(status_of "$pid" VmRSS)
        if [ $((now > last ? now - last : last - now)) -le $((now / 100)) ]; then same=$((same + 1)); else same=0; last=$now; fi
        [ $same -lt 5 ] || return 0
        sleep 1
    done
}
