# Servers, data, subjects, warm-up: everything up to the first measurement.

start_everything() {
    local size number subject at=$((port + 1))
    say "Starting PostgreSQL for the shards: 1 $(cluster_sizes | grep -vx 1 | tr '\n' ' ')…"
    start_server single "$port"
    "$programs/pgbench" -i -q -s "$scale" -p "$port" >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; exit 1; }
    make_copy_table "$port"
    for size in $(cluster_sizes); do
        [ "$size" != 1 ] || continue
        for ((number = 0; number < size; number++)); do start_server "$size-$number" "$(shard_port "$size" "$number")" "$shard_settings"; done
        load_through_proxy "$size"
    done
    for subject in $subjects; do
        start_subject "$subject" "$subject" "$at"
        at=$((at + 1))
    done
    for subject in $subjects; do warm_up_subject "$subject"; done
}

# The data of several shards is loaded through a proxy of its own; the directory that it leaves is the others'.
load_through_proxy() {
    local size=$1 name=loader-$1 at=$((port + 9))
    say "Loading pgbench tables at scale $scale over $size shards …"
    start_proxy "$name" "$size" '' "$at"
    "$programs/pgbench" -i -q -s "$scale" -p "$at" >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; exit 1; }
    make_copy_table "$at"
    stop_subject "$name"
    cp "$work/$name.db" "$work/directory-$size.db"
}

make_copy_table() { "$programs/psql" -X -q -v ON_ERROR_STOP=1 -p "$1" -c 'CREATE TABLE bench_copy (aid int NOT NULL, bid int, abalance int, filler char(84))'; }

# All modes that will be measured share the seconds. What is not .NET needs only its caches filled.
warm_up_subject() {
    local subject=$1 mode wanted=() each
    for mode in $modes; do can_run "$subject" "$mode" && wanted+=("$mode"); done
    [ ${#wanted[@]} -gt 0 ] || wanted=(simple)
    each=$(((warm_up + ${#wanted[@]} - 1) / ${#wanted[@]}))
    [[ $subject = proxy-* ]] || each=1
    say "Warming $subject up: ${wanted[*]}, $each s each …"
    for mode in "${wanted[@]}"; do
        "$programs/pgbench" -n -b select-only@3 -b simple-update@1 -M "$mode" -c 16 -j 2 -T "$each" -p "${port_of[$subject]}" >"$work/warm.log" 2>&1 ||
            { cat "$work/warm.log" >&2; fail "The warm-up of $subject failed."; }
    done
}

# PgBouncer 1.18 pools transactions without knowing prepared statements.
can_run() { [ "$1 $2" != "pgbouncer prepared" ]; }
