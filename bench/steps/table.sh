# Markdown tables of medians from the file of measurements.

# table PART METRIC DECIMALS BASELINE HEADING: a row for each row measured, a column for each subject; in parentheses how
# many times the baseline it is. PgBouncer 1.18 has no prepared statements, so there its extended mode is the baseline.
table() {
    awk -F '\t' -v part="$1" -v metric="$2" -v decimals="$3" -v baseline="$4" -v heading="$5" -v subjects="$subjects" '
        function median(key,  n, i, j, t, a) {
            n = count[key]
            if (!n) return ""
            for (i = 1; i <= n; i++) a[i] = value[key, i]
            for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
            return a[int((n + 1) / 2)]
        }
        function cell(row, subject,  m, base, other) {
            m = median(row SUBSEP subject)
            if (m == "") return (row, subject) in word ? word[row, subject] : "–"
            other = row
            if (median(row SUBSEP baseline) == "") sub(/^prepared/, "extended", other)
            base = median(other SUBSEP baseline)
            return sprintf("%.*f", decimals, m) (subject == baseline || subject == "direct" || base !~ /^[0-9.]+$/ || base + 0 == 0 ? "" : sprintf(" (%.2f×)", m / base))
        }
        $1 == part && !(($2) in seen) { seen[$2] = 1; rows[++row_count] = $2 }
        $1 == part && $5 !~ /^[0-9.-]+$/ { word[$2, $3] = $5; next }
        $1 == part && $4 == metric { key = $2 SUBSEP $3; value[key, ++count[key]] = $5; any = 1 }
        END {
            if (!any) exit
            n = split(subjects, name, " ")
            line = "| " heading " |"; rule = "| --- |"
            for (i = 1; i <= n; i++) { line = line " " name[i] " |"; rule = rule " ---: |" }
            print line "\n" rule
            for (r = 1; r <= row_count; r++) {
                line = "| " rows[r] " |"
                for (i = 1; i <= n; i++) line = line " " cell(rows[r], name[i]) " |"
                print line
            }
            print ""
        }' "$results"
}

print_report() {
    echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r | cut -d- -f1), $(date -u +%Y-%m-%d)," \
        "commit $(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown); scale $scale, medians of $rounds rounds of $seconds s after $warm_up s of load."
    echo
    targets
    local part
    for part in $parts; do
        case $part in
            select) print_pgbench select "pgbench -S" ;;
            write) print_pgbench write "pgbench -N" ;;
            tpcb) print_pgbench tpcb "TPC-B" ;;
            commit)
                printf '### Two updates and COMMIT (shards written, clients)\n\n'
                table commit tps 0 none "tps"
                table commit micros 2 none "CPU µs a transaction"
                table commit p50 2 none "p50 ms"
                table commit p99 2 none "p99 ms"
                ;;
            connect)
                printf '### Connect and query\n\n'
                table connect tps 0 pgbouncer "logins a second, 16 clients"
                table connect micros 0 pgbouncer "CPU µs a login"
                ;;
            bulk)
                printf '### %s rows\n\n' $((scale * 100000))
                table bulk rate 0 direct "MB/s"
                table bulk seconds 2 direct "seconds"
                table bulk cpu 2 pgbouncer "CPU seconds"
                ;;
            facts)
                printf '### %s rows over shards\n\n' "$facts"
                table facts seconds 2 direct "seconds"
                table facts rate 0 direct "MB/s"
                table facts peak 0 direct "peak MB of the proxy"
                ;;
            tpch)
                printf '### TPC-H at scale %s\n\n' "$tpch_scale"
                cat "$work/tpch.md"
                echo
                ;;
            idle)
                printf '### Idle clients\n\n'
                table idle private 2 pgbouncer "private KB a client"
                table idle rss 2 pgbouncer "resident KB a client"
                table idle base 1 pgbouncer "MB of the process before"
                ;;
        esac
    done
}

print_pgbench() {
    printf '### %s (mode, clients)\n\n' "$2"
    table "$1" tps 0 pgbouncer "tps"
    table "$1" micros 2 pgbouncer "CPU µs a transaction"
    table "$1" p50 2 pgbouncer "p50 ms"
    table "$1" p99 2 pgbouncer "p99 ms"
    table "$1" p999 2 pgbouncer "p99.9 ms"
    table "$1" peak 0 pgbouncer "peak MB"
}
