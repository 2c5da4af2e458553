# The part connect: a login for every query. pgbench derives SCRAM's keys anew for each login and is mostly busy with that;
# the second row is a client that keeps them. What logins run has its own warm-up, as queries have.

connect_part() {
    local round subject
    for subject in $subjects; do
        case $subject in proxy-*) logins "$subject" "$warm_up" >/dev/null ;; *) logins "$subject" 3 >/dev/null ;; esac
    done
    for ((round = 1; round <= rounds; round++)); do
        for subject in $subjects; do
            measure connect "pgbench -C -S" "$subject" simple 16
            read -r rate micros < <(logins "$subject" "$seconds")
            record connect "keys kept" "$subject" tps "$rate"
            [ -z "${pid_of[$subject]}" ] || record connect "keys kept" "$subject" micros "$micros"
            say "connect (keys kept) $subject: ${rate%.*} logins a second"
        done
    done
}

# logins SUBJECT SECONDS
logins() { dotnet exec "$load_program" login "${port_of[$1]}" "${pid_of[$1]:-0}" 16 "$2"; }
