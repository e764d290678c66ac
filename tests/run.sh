#!/usr/bin/env bash
# Everything that must be green, from nothing: system libraries (Debian, as root), a virtual environment, ruff, mypy,
# import-linter, pytest under a virtual screen. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

libraries="xvfb xauth libgl1 libgl1-mesa-dri libegl1 libglx-mesa0 libopengl0 libxkbcommon-x11-0 libxcb-cursor0
libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xinerama0 libxcb-shape0 libdbus-1-3
libfontconfig1"
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    missing=$(for name in $libraries; do dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || echo "$name"; done)
    if [ -n "$missing" ]; then
        apt-get update -qq
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    fi
fi

python=${PYTHON:-python3}
venv=${VENV:-.venv}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
bin=$venv/bin
# Users of features files have old numpy: the oldest that installs on this Python, beside the environment.
old_numpy=$venv/old_numpy
install_old_numpy() {
    for range in "numpy<1.24" "numpy<2" "numpy<2.2" "numpy<2.4"; do
        "$bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: --target "$old_numpy" "$range" 2>/dev/null && break
    done
}
[ -d "$old_numpy" ] || install_old_numpy &
# Most of what is installed is never imported here: it is compiled when it is.
"$bin/python" -m pip install --quiet --disable-pip-version-check --no-compile -c tests/constraints.txt ".[all,test]"
wait
NAPARI_I3D_OLD_NUMPY=$(cd "$old_numpy" && pwd)
export NAPARI_I3D_OLD_NUMPY

"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/lint-imports"
"$bin/codespell" napari_i3d tests docs README.md CHANGELOG.md
"$bin/validate-pyproject" pyproject.toml
# Types take a minute of one core, and tests wait at times: both at once, and the result at the end.
types_said=$(mktemp)
nice -n 10 "$bin/mypy" >"$types_said" 2>&1 &
types=$!
trap 'kill "$types" 2>/dev/null || true; rm -f "$types_said"' EXIT
# Two processes of one thread each are quicker than one of two; each has a screen of its own (tests/conftest.py).
export OMP_NUM_THREADS=1
# What is tested is what was installed, not the checkout.
export PYTHONSAFEPATH=1
screen=()
command -v xvfb-run >/dev/null && screen=(xvfb-run -a -s "-screen 0 1600x1000x24")
status=0
# The long form: an empty list is an error to the bash of macOS.
${screen[@]+"${screen[@]}"} "$bin/python" -m pytest -n 2 --dist loadgroup "$@" || status=$?
wait "$types" || status=$?
cat "$types_said"
exit "$status"
