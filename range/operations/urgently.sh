#!/bin/sh
# Runs a role before others where cores are short: somebody waits for pages, keys and rows.
# Usage: urgently.sh NICENESS PROGRAM [ARGUMENT...]      Only root may ask for it.
#
# Niceness alone does not reach across sessions, each of which has a share of the processor, and
# Postgres opens one for every connection. A control group holds whatever a role begins. Where
# there is none to be had, the session's and the process's own niceness remain.
# Source: sched(7), "The autogroup feature"; cgroups(7); cpu.shares and cpu.weight of the kernel.
niceness=$1
shift
set +e
{
    for folder in /sys/fs/cgroup/cpu /sys/fs/cgroup; do
        [ -e "$folder/cgroup.procs" ] || continue
        group=$folder/muster-urgent
        mkdir -p "$group"
        echo 8192 >"$group/cpu.shares" || echo 800 >"$group/cpu.weight" || continue
        echo $$ >"$group/cgroup.procs" && break
    done
    echo "$niceness" >/proc/self/autogroup
} 2>/dev/null
exec nice -n "$niceness" "$@"
