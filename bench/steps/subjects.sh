# The processes in the middle. Each subject has a port and, but for PostgreSQL itself, a process.

declare -A port_of=() pid_of=()
pids=()

# start_pgbouncer NAME PORT: one process, transaction pooling in front of the single server. It is given the user's SCRAM
# verifier rather than the password, so that a login costs it no key derivation.
start_pgbouncer() {
    local name=$1 at=$2 verifier
    verifier=$("$programs/psql" -X -A -t -p "$port" -c "SELECT rolpassword FROM pg_authid WHERE rolname = 'bench'")
    echo "\"bench\" \"$verifier\"" >"$work/$name.users"
    cat >"$work/$name.ini" <<INI
[databases]
bench = host=127.0.0.1 port=$port dbname=bench user=bench password=$password
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $at
listen_backlog = 1024
auth_type = scram-sha-256
auth_file = $work/$name.users
pool_mode = transaction
default_pool_size = 20
max_client_conn = $((idle + 1000))
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
logfile = $work/$name.log
INI
    chmod 644 "$work/$name.ini" "$work/$name.users"
    setpriv --pdeathsig TERM ${drop[@]+"${drop[@]}"} -- "$(command -v pgbouncer)" -q "$work/$name.ini" &
    started "$name" "$at" "$!"
}

# start_proxy NAME SHARDS ENGINE PORT: its directory is a copy of the one with which the shards were loaded.
start_proxy() {
    local name=$1 shards=$2 transport=$3 at=$4 number
    [ ! -e "$work/directory-$shards.db" ] || cp "$work/directory-$shards.db" "$work/$name.db"
    {
        echo "listen: { address: 127.0.0.1:$at, tls: { mode: disable } }"
        [ -z "$transport" ] || echo "transport: { engine: $transport }"
        cat <<YAML
users:
  - { name: bench, password: $password }
limits: { max_clients: $((idle + 1000)) }
databases:
  bench:
    directory: { store: embedded, path: "$work/$name.db" }
    pool: { mode: transaction, size: 20 }
    tables:
      pgbench_accounts: { key: aid }
      pgbench_tellers: { key: tid }
      pgbench_branches: { key: bid }
      pgbench_history: { key: aid, colocate_with: pgbench_accounts }
      bench_copy: { key: aid, colocate_with: pgbench_accounts }
    shards:
YAML
        for ((number = 0; number < shards; number++)); do
            echo "      - { name: s$number, primary: \"host=127.0.0.1 port=$(shard_port "$shards" "$number") dbname=bench user=bench password=$password\" }"
        done
    } >"$work/$name.yaml"
    setpriv --pdeathsig TERM -- dotnet exec "$proxy_program" serve --config "$work/$name.yaml" >"$work/$name.log" 2>&1 &
    started "$name" "$at" "$!"
}

# start_subject SUBJECT NAME PORT
start_subject() {
    local subject=$1 name=$2 at=$3 rest
    case $subject in
        direct) port_of[$name]=$port pid_of[$name]='' ;;
        pgbouncer) start_pgbouncer "$name" "$at" ;;
        proxy-*-*) rest=${subject#proxy-*-}; start_proxy "$name" "$(shards_of "$subject")" "$rest" "$at" ;;
        *) start_proxy "$name" "$(shards_of "$subject")" "$engine" "$at" ;;
    esac
}

started() {
    port_of[$1]=$2 pid_of[$1]=$3
    pids+=("$3")
    wait_for "$2" "$work/$1.log"
}

stop_subject() {
    local pid=${pid_of[$1]}
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

stop_all() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
    for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null || true; done
    stop_servers
    rm -rf "$work"
}
