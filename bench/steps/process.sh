# CPU time and memory of a process, from /proc; and the file of measurements.

# User and system time in milliseconds (proc(5): fields 14 and 15 of stat, in ticks of 10 ms). 0 for no process.
cpu_of() {
    [ -n "$1" ] || { echo 0; return; }
    sed 's/.*) //' "/proc/$1/stat" | awk '{ print ($12 + $13) * 10 }'
}

# A line of /proc/PID/status in KB: VmRSS, VmHWM (the peak).
status_of() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"; }

# Memory that nothing else maps, in KB.
private_of() { awk '/^Private_/ { sum += $2 } END { print sum }' "/proc/$1/smaps_rollup"; }

# The peak starts again from what is resident now (proc(5), clear_refs). Fails silently where that is not allowed: then
# the peak is that of the process's life.
reset_peak() { { echo 5 >"/proc/$1/clear_refs"; } 2>/dev/null || true; }

# record PART ROW SUBJECT METRIC VALUE: a number, or a word that stands in the table for it.
record() { printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$results"; }

# Waits until a process answers queries on a port.
wait_for() {
    local at=$1 log=$2
    for _ in $(seq 300); do
        "$programs/psql" -X -q -p "$at" -c 'SELECT 1' >/dev/null 2>&1 && return
        sleep 0.1
    done
    tail -n 20 "$log" >&2
    fail "Nothing answers on port $at."
}
