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
"$venv/bin/python" -m pip install --quiet -c constraints-lowest.txt -e '.[api,jieba,judge,leaderboard]' \
    evalica hypothesis markdown-it-py packaging pytest pytest-httpserver pytest-xdist
"$venv/bin/python" -m pytest -q -p no:cacheprovider -n auto -m "not slow" "$@"
