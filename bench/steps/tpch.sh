# The part tpch: the 22 queries over four shards beside one PostgreSQL, with the answers compared. It is a test of the
# suite with a larger scale, which starts servers of its own.

tpch_part() {
    dotnet build tests/ShardProxy.IntegrationTests -c Release -v quiet --nologo -clp:NoSummary >&2
    SHARDPROXY_TPCH_SCALE=$tpch_scale SHARDPROXY_TPCH_TIMES=$work/tpch.md dotnet test tests/ShardProxy.IntegrationTests --no-build -c Release \
        --filter 'FullyQualifiedName~TpchTests' >"$work/tpch.log" 2>&1 || { tail -n 40 "$work/tpch.log" >&2; fail "A TPC-H query went wrong."; }
}
