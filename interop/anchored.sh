#!/usr/bin/env bash
# Anchors a log on a chain, proves a receipt under that anchor, has the chain's node place it, and has two trie
# libraries of other people judge the bundle.
#
# usage: interop/anchored.sh PROGRAM     0: all agree, 1: not, 75: a tool is missing, and nothing was judged
#
# PROGRAM is a built `chaoschain`. It takes anvil: CHAOSCHAIN_ANVIL, contracts/node_modules, or the path.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(readlink -f "$1")
work=$(mktemp -d)
. "$here/tools.sh"
anvil=${CHAOSCHAIN_ANVIL:-$here/../contracts/node_modules/.bin/anvil}
[ -x "$anvil" ] || anvil=$(command -v anvil) || lacking "anvil is not installed"

# Another number than the demo's, a clock, and blocks that come by themselves.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$anvil" --port "$port" --chain-id 1338 --block-time 1 --silent &
started+=($!)
ask() { curl -s -H content-type:application/json -d "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"$1\",\"params\":$2}" "$url"; }
for _ in $(seq 100); do ask eth_chainId '[]' >/dev/null && break; sleep 0.1; done
# The launcher of npm starts another process, which is the one to end.
pid=$(pgrep -P "${started[0]}" | head -1) && [ -n "$pid" ] && started+=("$pid")

export CHAOSCHAIN_PASSWORD=only-for-judges CHAOSCHAIN_HEADS=$work/heads CHAOSCHAIN_DATA=$work/data
# The first account that anvil gives coins to.
export CHAOSCHAIN_PRIVATE_KEY=0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80
run() { "$program" "$@" || { echo "interop: chaoschain $1 $2 fails" >&2; exit 1; }; }
run agent register --name ada --role researcher >/dev/null
run anchor --rpc-url "$url" --deploy --finality included 2>/dev/null >/dev/null
receipt=$("$program" log show --json | sed -nE '2s/.*"receipt":"([^"]+)".*/\1/p')
mkdir "$work/bundles"
run log prove "$receipt" --out "$work/bundles/anchored.json"
run verify "$work/bundles/anchored.json" --rpc-url "$url" --finality included --require anchored,declared > "$work/shown"
grep -F 'placed: block ' "$work/shown" | sed 's/^ *//' || bad=1
# Nobody's node is asked, and nothing is placed.
"$program" verify "$work/bundles/anchored.json" --require anchored >/dev/null && { echo "interop: placed by nobody" >&2; bad=1; }
judge "$env/venv/bin/python" "$here/registry.py" "$work/bundles"
judge node "$env/js/anchor.mjs" "$work/bundles"
judge "$env/venv/bin/python" "$here/state.py" "$work/bundles"
[ "$bad" -eq 0 ] && echo "interop: the anchor is placed, and all agree"
exit "$bad"
