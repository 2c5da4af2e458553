# The part bulk: all accounts out by SELECT and by COPY, and as many rows in by COPY. One warm round does not count.

transfer_part() {
    local round subject row
    for ((round = 0; round <= rounds; round++)); do
        for row in SELECT "COPY TO" "COPY FROM"; do
            for subject in $subjects; do transfer "$row" "$subject" "$round"; done
        done
    done
}

# transfer ROW SUBJECT ROUND
transfer() {
    local row=$1 subject=$2 round=$3 answer took cpu rows bytes
    local -a how
    case $row in
        SELECT) how=(read "${port_of[$subject]}" "${pid_of[$subject]:-0}" 'SELECT * FROM pgbench_accounts') ;;
        "COPY TO") how=(read "${port_of[$subject]}" "${pid_of[$subject]:-0}" 'COPY pgbench_accounts TO STDOUT') ;;
        "COPY FROM")
            "$programs/psql" -X -q -v ON_ERROR_STOP=1 -p "${port_of[$subject]}" -c 'TRUNCATE bench_copy'
            how=(write "${port_of[$subject]}" "${pid_of[$subject]:-0}" bench_copy $((scale * 100000)))
            ;;
    esac
    if ! answer=$(dotnet exec "$load_program" "${how[@]}" 2>"$work/transfer.log"); then
        cat "$work/transfer.log" >&2
        answer=failed
    fi
    [ "$round" -gt 0 ] || return 0
    case $answer in
        refused | failed) record bulk "$row" "$subject" seconds "$answer"; return ;;
    esac
    read -r took cpu rows bytes <<<"$answer"
    [ "$rows" = $((scale * 100000)) ] || fail "$subject gave $rows rows for $row."
    record bulk "$row" "$subject" seconds "$took"
    record bulk "$row" "$subject" rate "$(awk -v b="$bytes" -v s="$took" 'BEGIN { printf "%.1f", b / s / 1e6 }')"
    [ -z "${pid_of[$subject]}" ] || record bulk "$row" "$subject" cpu "$cpu"
    say "$row, $subject: $took s"
}
