#!/usr/bin/env bash
# Has other people's implementations judge what a demo leaves and what a log serves.
#
# usage: interop/run.sh PROGRAM [DEMO]     0: all agree, 1: not, 75: a tool is missing, and nothing was judged
#
# PROGRAM is a built `chaoschain`; DEMO a folder for the demo, a new temporary one by default.
# INTEROP_ENV=DIR keeps what tools.sh installs there for the next run.
# GOPATH_MOD=DIR is a GOPATH with src/golang.org/x/mod, by default that of the Debian package
# golang-golang-x-mod-dev, installed or fetched.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(readlink -f "$1")
work=$(mktemp -d)
demo=${2:-$work/demo}
. "$here/tools.sh"
command -v go >/dev/null || lacking "go is not installed"
gopath=${GOPATH_MOD:-/usr/share/gocode}
if [ ! -d "$gopath/src/golang.org/x/mod" ]; then
  gopath=$env/go/usr/share/gocode
  [ -d "$gopath/src/golang.org/x/mod" ] ||
    (cd "$env" && apt-get download -qq golang-golang-x-mod-dev && dpkg -x golang-golang-x-mod-dev_*.deb go) >/dev/null 2>&1 ||
    lacking "there is no golang.org/x/mod (GOPATH_MOD)"
fi

export CHAOSCHAIN_PASSWORD=only-for-judges CHAOSCHAIN_HEADS=$work/heads
note() { GO111MODULE=off GOPATH=$gopath GOCACHE=$env/gocache GOFLAGS= go run "$here/note/main.go" "$@"; }

[ -d "$demo/bundles" ] || "$program" demo --out "$demo" >/dev/null || { echo "interop: the demo fails" >&2; exit 1; }
for bundles in "$demo/bundles" "$here"/../fixtures/{first,second}/bundles; do
  echo "interop: $bundles"
  judge "$env/venv/bin/python" "$here/dsse.py" "$bundles"
  judge "$env/venv/bin/python" "$here/state.py" "$bundles"
  judge "$env/venv/bin/python" "$here/registry.py" "$bundles"
  judge "$env/venv/bin/python" "$here/chain_claims.py" "$bundles"
  for script in jcs rewards anchor; do judge node "$env/js/$script.mjs" "$bundles"; done
  judge note "$bundles"
done

for script in dsse state registry; do judge "$env/venv/bin/python" "$here/$script.py" "$here/../fixtures/anchors"; done
judge node "$env/js/anchor.mjs" "$here/../fixtures/anchors"
for script in dsse state registry chain_claims; do judge "$env/venv/bin/python" "$here/$script.py" "$here/../fixtures/chain-claims"; done
# And one that is made now, on a chain that places it.
judge env INTEROP_ENV="$env" "$here/anchored.sh" "$program"

# A log with a witness, served; what it serves, and its proofs as C2SP writes them.
data=$work/data
cp -r "$demo/data" "$data"
export CHAOSCHAIN_HEADS=$work/heads-of-copy
"$program" log resume --only-copy --data "$data" > /dev/null || bad=1
"$program" log checkpoint --data "$data" --json > "$work/head" 2> /dev/null || bad=1
vkey=$(sed -E 's/.*"log":"([^"]+)".*/\1/' "$work/head")
printf 'log %s\nquorum none\n' "$vkey" > "$work/logs"
await() {
  for _ in $(seq 100); do grep -q ready "$1" && return; sleep 0.1; done
  echo "interop: nothing listens" >&2; exit 1
}
"$program" witness --name witness.example.org/judges --log-policy "$work/logs" --listen 127.0.0.1:0 --folder "$work/witness" > "$work/witness.out" &
started+=($!)
await "$work/witness.out"
witness=$(sed -E 's/.*"witness":"([^"]+)".*/\1/' "$work/witness.out")
printf 'witness w %s %s\nquorum w\n' "$witness" "$(sed -E 's/.*"url":"([^"]+)".*/\1/' "$work/witness.out")" > "$work/policy"
"$program" log checkpoint --log-policy "$work/policy" --data "$data" > /dev/null 2>&1 || bad=1
"$program" log serve --data "$data" --listen 127.0.0.1:0 > "$work/serve.out" &
started+=($!)
await "$work/serve.out"
url=$(sed -E 's/.*"url":"([^"]+)".*/\1/' "$work/serve.out")
judge "$env/venv/bin/python" "$here/served.py" "$url" "$vkey" "$witness"
judge python3 "$here/tiles.py" "$data"
proofs=()
while read -r receipt; do
  proofs+=("$work/$receipt.tlog-proof")
  "$program" log prove "$receipt" --tlog-proof --data "$data" --out "${proofs[-1]}" 2>/dev/null || bad=1
done < <("$program" log show --data "$data" --json | sed -nE 's/.*"receipt":"(sha256:[0-9a-f]{64})".*/\1/p')
judge note tlog-proof "$vkey" "${proofs[@]}"
[ "$bad" -eq 0 ] && echo "interop: all agree"
exit "$bad"
