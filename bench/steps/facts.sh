# The part facts: aggregates, first rows and a large result over a table of ten million rows, spread by its id. The table
# is made on the single server and copied through each proxy. One warm round does not count.

declare -A fact_query=(
    ["sums of all rows"]="SELECT count(*), sum(amount), avg(price), min(at), max(note) FROM facts"
    ["1000 groups"]="SELECT kind, count(*), sum(amount), avg(amount) FROM facts GROUP BY kind HAVING count(*) > 1 ORDER BY 3 DESC, 1"
    ["a filter of a tenth"]="SELECT at, count(*), sum(price) FROM facts WHERE kind < 100 GROUP BY at ORDER BY at"
    ["count(DISTINCT)"]="SELECT count(DISTINCT kind), max(amount) FROM facts"
    ["first 10 by amount"]="SELECT id, amount FROM facts ORDER BY amount DESC, id LIMIT 10"
    ["5 million rows"]="SELECT id, kind, amount, price, at FROM facts WHERE id <= 5000000"
)
fact_rows=("sums of all rows" "1000 groups" "a filter of a tenth" "count(DISTINCT)" "first 10 by amount" "5 million rows")

facts_part() {
    local round subject row
    load_facts
    for subject in $subjects; do [[ $subject != proxy-* ]] || renew_subject "$subject"; done
    for ((round = 0; round <= rounds; round++)); do
        for row in "${fact_rows[@]}"; do
            for subject in $subjects; do [ "$subject" = pgbouncer ] || ask_facts "$row" "$subject" "$round"; done
        done
    done
}

load_facts() {
    local subject create="CREATE TABLE facts (id int8 PRIMARY KEY, kind int4 NOT NULL, amount numeric(12,2) NOT NULL, price float8 NOT NULL, at date NOT NULL, note text)"
    say "Making $facts rows …"
    run_sql "$port" "DROP TABLE IF EXISTS facts; $create;
        INSERT INTO facts SELECT n, n % 1000, (n::int8 * 7919 % 1000003) / 100.0, n % 4096 / 4.0, date '2020-01-01' + (n % 365)::int, 'note ' || n % 97 FROM generate_series(1, $facts) n"
    run_sql "$port" "VACUUM (ANALYZE, FREEZE) facts"
    for subject in $subjects; do
        case $subject in proxy-1 | proxy-1-* | direct | pgbouncer) continue ;; esac
        [ "$(shards_of "$subject")" != "${loaded_facts:-}" ] || continue
        loaded_facts=$(shards_of "$subject")
        say "Copying them over $loaded_facts shards …"
        run_sql "${port_of[$subject]}" "DROP TABLE IF EXISTS facts"
        run_sql "${port_of[$subject]}" "$create"
        run_sql "${port_of[$subject]}" "SELECT create_distributed_table('facts', 'id')" >/dev/null
        "$programs/psql" -X -q -p "$port" -c 'COPY facts TO STDOUT' | "$programs/psql" -X -q -v ON_ERROR_STOP=1 -p "${port_of[$subject]}" -c 'COPY facts FROM STDIN'
        run_sql "${port_of[$subject]}" "VACUUM (ANALYZE, FREEZE) facts"
    done
}

# A new process, so that what copying the rows left in memory is not taken for what reading them needs.
renew_subject() {
    local name=$1 at=${port_of[$1]}
    stop_subject "$name"
    cp "$work/$name.db" "$work/directory-$(shards_of "$name").db"
    start_subject "$name" "$name" "$at"
}

run_sql() { "$programs/psql" -X -q -v ON_ERROR_STOP=1 -p "$1" -c "$2"; }

# ask_facts ROW SUBJECT ROUND
ask_facts() {
    local row=$1 subject=$2 round=$3 answer took cpu rows bytes pid=${pid_of[$2]:-}
    [ -z "$pid" ] || reset_peak "$pid"
    if ! answer=$(dotnet exec "$load_program" read "${port_of[$subject]}" "${pid:-0}" "${fact_query[$row]}" 2>"$work/facts.log"); then
        cat "$work/facts.log" >&2
        answer=failed
    fi
    [ "$round" -gt 0 ] || return 0
    case $answer in
        refused | failed) record facts "$row" "$subject" seconds "$answer"; return ;;
    esac
    read -r took cpu rows bytes <<<"$answer"
    record facts "$row" "$subject" seconds "$took"
    [ -z "$pid" ] || record facts "$row" "$subject" peak "$(awk -v kb="$(status_of "$pid" VmHWM)" 'BEGIN { printf "%.1f", kb / 1024 }')"
    [ "$row" != "5 million rows" ] || record facts "$row" "$subject" rate "$(awk -v b="$bytes" -v s="$took" 'BEGIN { printf "%.1f", b / s / 1e6 }')"
    say "$row, $subject: $took s"
}
