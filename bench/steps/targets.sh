# The goals that the proxy is measured by, each with what this run says of it.

# median_of PART ROW SUBJECT METRIC: a number, a word, or nothing.
median_of() { awk -F '\t' -v p="$1" -v r="$2" -v s="$3" -v m="$4" '$1 == p && $2 == r && $3 == s && $4 == m { print $5 }' "$results" | sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# goal TEXT LIMIT SENSE VALUE BASE: SENSE is "most" or "least"; the figure is VALUE / BASE.
goal() {
    local text=$1 limit=$2 sense=$3 value=$4 base=$5
    [[ $value =~ ^[0-9.-]+$ && $base =~ ^[0-9.]+$ ]] || return 0
    awk -v t="$text" -v l="$limit" -v s="$sense" -v v="$value" -v b="$base" 'BEGIN {
        if (b == 0) exit
        f = v / b
        printf "| %s | %s %s | %.2f | %s |\n", t, s == "most" ? "≤" : "≥", l, f, (s == "most" ? f <= l : f >= l) ? "yes" : "no"
    }'
}

targets() {
    local lines
    lines=$(goal_lines)
    [ -n "$lines" ] || return 0
    printf '| against PgBouncer (bulk, facts: against PostgreSQL) | goal | measured | reached |\n| --- | ---: | ---: | --- |\n%s\n\n' "$lines"
}

goal_lines() {
    local subject mode count row limit
    for subject in $subjects; do
        case $subject in
            proxy-4*)
                for row in "sums of all rows" "1000 groups"; do
                    goal "$subject: seconds for $row" 1.0 most "$(median_of facts "$row" "$subject" seconds)" "$(median_of facts "$row" direct seconds)"
                done
                goal "$subject: MB/s of 5 million rows" 0.7 least "$(median_of facts "5 million rows" "$subject" rate)" "$(median_of facts "5 million rows" direct rate)"
                goal "$subject: peak MB with 5 million rows" 100 most "$(median_of facts "5 million rows" "$subject" peak)" 1
                ;;
            proxy-2*)
                for mode in simple extended; do
                    for count in 16 64; do
                        row="$mode, $count" limit=1.0
                        [[ "$subject $count" = *"io_uring 64" ]] && limit=0.8
                        goal "$subject: CPU a query, pgbench -S $mode, $count clients" $limit most "$(median_of select "$row" "$subject" micros)" "$(median_of select "$row" pgbouncer micros)"
                        goal "$subject: throughput, $mode, $count clients" 1.0 least "$(median_of select "$row" "$subject" tps)" "$(median_of select "$row" pgbouncer tps)"
                        goal "$subject: p99, $mode, $count clients" 1.1 most "$(median_of select "$row" "$subject" p99)" "$(median_of select "$row" pgbouncer p99)"
                    done
                done
                for row in "pgbench -C -S" "keys kept"; do
                    goal "$subject: connect-and-query rate, $row" 1.0 least "$(median_of connect "$row" "$subject" tps)" "$(median_of connect "$row" pgbouncer tps)"
                done
                goal "$subject: private KB of an idle client" 6.0 most "$(median_of idle "$idle clients" "$subject" private)" 1
                ;;
            proxy-1*)
                for row in SELECT "COPY TO"; do
                    goal "$subject: MB/s of $row" 0.95 least "$(median_of bulk "$row" "$subject" rate)" "$(median_of bulk "$row" direct rate)"
                done
                ;;
        esac
    done
}
