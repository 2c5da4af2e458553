# PostgreSQL servers: one that holds everything, for direct, PgBouncer and the proxy with one shard; and one a shard for
# each greater number of shards.

servers=()

# start_server NAME PORT [SETTINGS]
start_server() {
    local name=$1 at=$2 settings=${3:-}
    printf '%s' "$password" >"$work/password"
    chmod 644 "$work/password"
    "${as_user[@]}" "$programs/initdb" -D "$work/pg-$name" -U bench --pwfile="$work/password" --auth=scram-sha-256 --locale=C.UTF-8 --encoding=UTF8 --no-sync >/dev/null
    # fsync is off: this measures the way to the servers, not their disk.
    "${as_user[@]}" "$programs/pg_ctl" -D "$work/pg-$name" -w -l "$work/pg-$name.log" -o \
        "-p $at -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=700 -c shared_buffers=256MB -c fsync=off -c max_wal_size=4GB -c max_prepared_transactions=100 $settings" start >/dev/null
    servers+=("$name")
    "$programs/createdb" -p "$at" --maintenance-db=postgres bench
}

stop_servers() {
    local name
    for name in ${servers[@]+"${servers[@]}"}; do "${as_user[@]}" "$programs/pg_ctl" -D "$work/pg-$name" -m immediate stop >/dev/null 2>&1 || true; done
}

# The port of a shard of a cluster: "shard_port 4 0" is the first of four. 0 to 9 are the single server and the like.
shard_port() { [ "$1" = 1 ] && echo "$port" || echo $((port + 10 * $1 + $2)); }

# "2 4" when the subjects have a proxy over two shards and one over four.
cluster_sizes() { local subject; for subject in $subjects; do [[ $subject = proxy-* ]] && shards_of "$subject"; done | sort -nu; }
shards_of() { local rest=${1#proxy-}; echo "${rest%%-*}"; }
