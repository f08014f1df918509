#!/usr/bin/env bash
# The quick tests on the lowest supported version of every dependency, without the extras that bring a network.
#
#   tools/lowest.sh FOLDER [OPTIONS]   environment in FOLDER; OPTIONS go to pytest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=$1
shift
export PIP_DISABLE_PIP_VERSION_CHECK=1 HF_HUB_OFFLINE=1
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet -c constraints-lowest.txt -e '.[api,jieba,judge,leaderboard,synthesis]' \
    evalica hypothesis markdown-it-py packaging pytest pytest-httpserver pytest-xdist
# Old results keep their numbers to the last digit under the versions of constraints.txt; older ones round otherwise.
"$venv/bin/python" -m pytest -q --deselect tests/leaderboards/test_old_results.py --deselect tests/results/test_old_logs.py -p no:cacheprovider -n auto -m "not slow" "$@"
