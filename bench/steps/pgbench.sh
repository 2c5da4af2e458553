# The parts that pgbench measures: select, write, tpcb. The part connect uses measure too.

script_of() {
    case $1 in
        select | connect) echo select-only ;;
        write) echo simple-update ;;
        tpcb) echo tpcb-like ;;
    esac
}

pgbench_part() {
    local part=$1 row mode count round subject
    declare -A refused=()
    for subject in $subjects; do
        if is_refused "$part" "$subject"; then
            say "$subject refuses $part"
            refused[$subject]=1
        fi
    done
    for count in $clients; do
        for mode in $modes; do
            for ((round = 1; round <= rounds; round++)); do
                for subject in $subjects; do
                    row="$mode, $count"
                    if ! can_run "$subject" "$mode"; then
                        :
                    elif [ -n "${refused[$subject]-}" ]; then
                        record "$part" "$row" "$subject" tps refused
                    else
                        measure "$part" "$row" "$subject" "$mode" "$count"
                    fi
                done
            done
        done
    done
}

# measure PART ROW SUBJECT MODE CLIENTS
measure() {
    local part=$1 row=$2 subject=$3 mode=$4 count=$5 pid=${pid_of[$3]} before after rate=0.2 options=() scripts=() micros='' done_count tps
    # pgbench's clock runs while it logs in, some milliseconds for each client.
    local duration=$((seconds + count / 128))
    [ "$count" -ge 16 ] || rate=1
    [ "$part" != connect ] || options=(-C)
    if [ "$part" = commit ]; then scripts=("${commit_scripts[@]}"); else scripts=(-b "$(script_of "$part")"); fi
    [ -z "$pid" ] || reset_peak "$pid"
    mkdir -p "$work/log"
    before=$(cpu_of "$pid")
    if ! "$programs/pgbench" -n "${scripts[@]}" -M "$mode" -c "$count" -j 2 -T "$duration" -p "${port_of[$subject]}" \
        --log --log-prefix="$work/log/run" --sampling-rate="$rate" ${options[@]+"${options[@]}"} >"$work/run.log" 2>&1; then
        say "$subject failed in $part ($row):"
        tail -n 5 "$work/run.log" >&2
        record "$part" "$row" "$subject" tps failed
        rm -rf "$work/log"
        return
    fi
    after=$(cpu_of "$pid")
    done_count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$work/run.log")
    tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/run.log")
    record "$part" "$row" "$subject" tps "$tps"
    if [ -n "$pid" ]; then
        micros=$(awk -v ms=$((after - before)) -v n="$done_count" 'BEGIN { printf "%.2f", n ? ms * 1000 / n : 0 }')
        record "$part" "$row" "$subject" micros "$micros"
        record "$part" "$row" "$subject" peak "$(awk -v kb="$(status_of "$pid" VmHWM)" 'BEGIN { printf "%.1f", kb / 1024 }')"
    fi
    record_latencies "$part" "$row" "$subject"
    rm -rf "$work/log"
    say "$part ($row) $subject: ${tps%.*} tps${micros:+, $micros µs each}"
}

# Percentiles of one run in ms; a pgbench log line holds the latency in µs in its third field.
record_latencies() {
    local part=$1 row=$2 subject=$3 name value
    cat "$work"/log/run.* | awk '{ print $3 }' | sort -n | awk '
        { v[NR] = $1 }
        function at(q,  i) { i = int(q * NR + 0.999999); return v[i < 1 ? 1 : i] / 1000 }
        END { if (NR) printf "p50 %.3f\np99 %.3f\np999 %.3f\n", at(0.5), at(0.99), at(0.999) }' |
        while read -r name value; do record "$part" "$row" "$subject" "$name" "$value"; done
}

# Whether a subject refuses the part's transaction with 0A000. Its rows may happen to stand on one shard, so several are tried.
is_refused() {
    local part=$1 subject=$2 number id
    [ "$part" = write ] || [ "$part" = tpcb ] || return 1
    for ((number = 1; number <= 8; number++)); do
        id=$((number * 10007 % (100000 * scale) + 1))
        echo "BEGIN; UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = $id; SELECT abalance FROM pgbench_accounts WHERE aid = $id;"
        [ "$part" = write ] || echo "UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = $number; UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1;"
        echo "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($number, 1, $id, 1, CURRENT_TIMESTAMP); COMMIT;"
    done | tr ';' '\n' | sed 's/$/;/' >"$work/trial.sql"
    "$programs/psql" -X -q -p "${port_of[$subject]}" -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -f "$work/trial.sql" >/dev/null 2>"$work/trial.log" && return 1
    grep -q 'ERROR: *0A000' "$work/trial.log" && return 0
    cat "$work/trial.log" >&2
    fail "The trial transaction of $part failed at $subject."
}
