# Installs and builds what a run needs, and makes its folder.

prepare() {
    cd "$root"
    mkdir -p artifacts
    export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
    . tests/setup >&2
    if ! command -v pgbouncer >/dev/null; then
        [ "$(id -u)" = 0 ] || fail "PgBouncer is missing. On Debian: sudo apt-get install pgbouncer"
        say "Installing pgbouncer …"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends pgbouncer; } >artifacts/apt.log 2>&1 ||
            { tail -n 20 artifacts/apt.log >&2; exit 1; }
    fi
    say "Building …"
    for project in src/ShardProxy bench/ShardProxy.Load; do
        dotnet build "$project" -c Release -v quiet --nologo -clp:NoSummary >&2
    done
    proxy_program=$root/src/ShardProxy/bin/Release/net10.0/shardproxy.dll
    load_program=$root/bench/ShardProxy.Load/bin/Release/net10.0/load.dll
    programs=$(tests/servers/install 15)
    raise_open_files

    work=$(mktemp -d /tmp/shardproxy-bench.XXXXXX)
    chmod 755 "$work"
    as_user=()
    drop=()
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$work"
        as_user=(runuser -u postgres --)
        drop=(--reuid postgres --regid postgres --clear-groups)
    fi
    results=$work/results
    : >"$results"
    port=${SHARDPROXY_BENCH_PORT:-11400}
    password=bench
    export PGPASSWORD=$password PGHOST=127.0.0.1 PGUSER=bench PGDATABASE=bench
}

# Every client is a file in the process in the middle and one in the process that made it.
raise_open_files() {
    local wanted=$((idle + 2000))
    [ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge "$wanted" ] || ulimit -n "$wanted" 2>/dev/null ||
        say "The limit of open files is $(ulimit -n), and $idle idle clients need $wanted: raise it (ulimit -n)."
}
