# The part commit: a transaction of two updates, both on one shard (a plain COMMIT) or on two (two-phase commit). pgbench
# takes at most 128 scripts, one for each pair of accounts; both kinds meet each other's rows equally often.

commit_part() {
    local subject count kind round number a b shards
    for subject in $subjects; do
        [[ $subject = proxy-* ]] || continue
        shards=$(shards_of "$subject")
        [ "$shards" -ge 2 ] || continue
        accounts_of "$shards" 0 256 >"$work/first"
        accounts_of "$shards" 1 128 >"$work/second"
        for kind in one two; do
            commit_scripts=()
            for ((number = 1; number <= 128; number++)); do
                a=$(sed -n "${number}p" "$work/first")
                b=$(if [ "$kind" = one ]; then sed -n "$((number + 128))p" "$work/first"; else sed -n "${number}p" "$work/second"; fi)
                printf '%s;\n' BEGIN "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = $a" \
                    "UPDATE pgbench_accounts SET abalance = abalance - 1 WHERE aid = $b" COMMIT >"$work/pair-$number.sql"
                commit_scripts+=(-f "$work/pair-$number.sql")
            done
            for count in $clients; do
                for ((round = 1; round <= rounds; round++)); do
                    measure commit "$kind, $count" "$subject" simple "$count"
                done
            done
        done
    done
}

# accounts_of SHARDS SHARD COUNT: accounts that stand on the shard.
accounts_of() {
    "$programs/psql" -X -A -t -p "$(shard_port "$1" "$2")" -c "SELECT aid FROM pgbench_accounts ORDER BY aid LIMIT $3"
}
