# Runs one nats-server, and sees to it that it does not outlive the test process.
#
#   sh -c "$(cat watchdog.sh)" watchdog DIR LOG SERVER ARGS...
#
# Standard input is a pipe that the test process holds open: it closes when that process ends, in whatever way.
# Standard output tells the test process the server's pid, and later "exit STATUS".

# When the test process dies, this process group is orphaned, and with a stopped server in it the kernel sends SIGHUP to
# all of it. And whoever writes to a pipe that nobody reads any more gets SIGPIPE.
trap '' HUP INT TERM QUIT PIPE

dir=$1
log=$2
shift 2

# A background command has no standard input, hence the copy.
exec 3<&0

(
    trap - HUP INT TERM QUIT PIPE
    exec "$@"
) </dev/null >>"$log" 2>&1 3<&- &
server=$!

( read -r _ <&3; kill -9 "$server" ) >/dev/null 2>&1 &
guard=$!

echo "$server"
wait "$server"
status=$?
kill -9 "$guard" 2>/dev/null
wait "$guard" 2>/dev/null
# The test process may be gone already.
echo "exit $status" 2>/dev/null

# The directory is kept for a restart only if somebody says so.
word=
read -r word <&3
[ "$word" = keep ] || rm -rf "$dir"
