# Sourced by the tests beside it: what they have in common.
set -eu

tests=$(dirname "$(readlink -f "$0")")
work=${AUTOPKGTEST_TMP:-$(mktemp -d)}
python=${XMPPD_TEST_PYTHON:-/usr/bin/python3}
conf=/etc/xmppd/xmppd.toml
export SYSTEMD_COLORS=0 SYSTEMD_PAGER=

step() { printf -- '--- %s\n' "$*"; }

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  systemctl status xmppd.service --lines=0 >&2 || true
  journalctl -u xmppd -n 60 --no-pager >&2
  exit 1
}

# eventually SECONDS COMMAND …: as soon as the command succeeds
eventually() {
  seconds=$1
  shift
  for _ in $(seq $((seconds * 10))); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  fail "after $seconds s still not true: $*"
}

is_active() { [ "$(systemctl show -P ActiveState xmppd.service)" = active ]; }

serves() { is_active && xmppctl status --json; }

main_pid() { systemctl show -P MainPID xmppd.service; }

worker_pids() { pgrep -P "$(main_pid)" -f '^xmppd-worker' | sort -n; }

# The accounts of steady.py, for a number of pairs.
add_steady_accounts() {
  for number in $(seq 0 $((2 * $1 - 1))); do echo secret | xmppctl account add "steady$number@localhost" >/dev/null; done
}

# Clients that talk all the time, from here to `stop_talking`.
start_talking() {
  rm -f "$work/report" "$work/report.up"
  "$python" "$tests/steady.py" --password secret --report "$work/report" "$@" &
  talker=$!
  trap 'kill "$talker" 2>/dev/null || true' EXIT
  eventually 90 test -e "$work/report.up"
}

stop_talking() {
  kill -TERM "$talker"
  wait "$talker" || fail "the clients have failed"
  trap - EXIT
}

# count NAME: of the report
count() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/report" "$1"; }

# none NAME …: these counts are 0
none() {
  for name; do [ "$(count "$name")" = 0 ] || fail "$name: $(count "$name")"; done
}
