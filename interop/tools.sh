# What the judges need, for the scripts here: sourced with $here and $work set. Sets $env, and says what is missing.
#
# INTEROP_ENV=DIR keeps the Python environment and the npm folder there for the next run.
env=${INTEROP_ENV:-$work/env}
bad=0
started=()
finish() {
  for id in "${started[@]:-}"; do [ -z "$id" ] || kill "$id" 2>/dev/null; done
  rm -rf "$work"
}
trap finish EXIT

lacking() { echo "interop: not run, $1" >&2; exit 75; }
judge() { "$@" || bad=1; }
for tool in python3 node npm curl; do command -v "$tool" >/dev/null || lacking "$tool is not installed"; done
mkdir -p "$env/js"
if [ ! -x "$env/venv/bin/python" ]; then
  python3 -m venv "$env/venv" && "$env/venv/bin/pip" install -q -r "$here/requirements.txt" ||
    { rm -rf "$env/venv"; lacking "the Python packages of requirements.txt cannot be installed"; }
fi
if [ ! -d "$env/js/node_modules" ]; then
  cp "$here/package.json" "$env/js/" && (cd "$env/js" && npm install --silent --no-audit --no-fund) ||
    { rm -rf "$env/js/node_modules"; lacking "the packages of package.json cannot be installed"; }
fi
cp "$here"/*.mjs "$env/js/"
