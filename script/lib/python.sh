# Finds a Python, and makes the virtual environments. Sourced, not run.

WANTED='sys.version_info >= (3, 12)'

# runs_as PYTHON TEST: whether PYTHON really runs (a pyenv shim may refuse), passes TEST and can make environments.
runs_as() {
    "$1" -c "import sys; sys.exit(not ($2))" >/dev/null 2>&1 && "$1" -c 'import ctypes, ensurepip, ssl, venv' >/dev/null 2>&1
}

python_candidates() {
    local name pyenv=${PYENV_ROOT:-$HOME/.pyenv}
    [ -z "${PYTHON:-}" ] || echo "$PYTHON"
    for name in python3.13 python3.12 python3 python; do
        command -v "$name" || true
    done
    for name in "$pyenv"/versions/3.13*/bin/python3 "$pyenv"/versions/3.12*/bin/python3 var/python/*/bin/python3; do
        [ -x "$name" ] && echo "$name"
    done
    return 0
}

# find_python TEST: the first candidate that is good enough.
find_python() {
    local candidate
    while read -r candidate; do
        if runs_as "$candidate" "$1"; then
            echo "$candidate"
            return
        fi
    done < <(python_candidates)
    return 1
}

# Debian parts python3-venv from python3; asking for it costs less than another Python.
lacks_only_venv() {
    local candidate
    for candidate in /usr/bin/python3; do
        if "$candidate" -c "import sys; sys.exit(not ($1))" >/dev/null 2>&1 && ! "$candidate" -c 'import ensurepip' >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

# Any Python that can make an environment, for fetching tools.
tools_venv() {
    local python
    [ -x var/tools/bin/python ] && var/tools/bin/python -m pip --version >/dev/null 2>&1 && return
    if ! python=$(find_python 'sys.version_info >= (3, 9)'); then
        apt_install "the Python module venv" python3-venv
        python=$(find_python 'sys.version_info >= (3, 9)') || stop "Python 3.9 or newer with the module venv is needed to begin."
    fi
    rm -rf var/tools
    step "Making an environment for tools" "$python" -m venv var/tools
}

# tool PACKAGE: installs one package of requirements-tools.txt, at its locked version and hash.
tool() {
    tools_venv
    local lock=var/tools/$1.txt
    sed -n "/^$1==/,/^[^ #]/{/^$1==/p;/^    --hash/p}" requirements-tools.txt >"$lock"
    step "Fetching $1" var/tools/bin/python -m pip install --require-hashes --no-deps -r "$lock"
}

fetch_python() {
    tool uv
    step "Fetching Python 3.13 by uv, since none of 3.12 or newer is here (PYTHON can name one)" \
        env UV_PYTHON_INSTALL_DIR="$PWD/var/python" var/tools/bin/uv python install --no-bin --managed-python 3.13
}

# choose_python: sets PYTHON_FOUND to a Python of 3.12 or newer, installing one where there is none.
choose_python() {
    PYTHON_FOUND=$(find_python "$WANTED") && return
    if lacks_only_venv "$WANTED"; then
        apt_install "the Python module venv" python3-venv
    else
        fetch_python
    fi
    PYTHON_FOUND=$(find_python "$WANTED") || stop "Python 3.12 or newer is needed and could not be installed."
}

# venv_is_sound: .venv runs, is new enough, and was made in this folder (its scripts hold the folder's path).
venv_is_sound() {
    [ "$(cat .venv/.made-in 2>/dev/null)" = "$PWD" ] && .venv/bin/python -c "import sys; sys.exit(not ($WANTED))" >/dev/null 2>&1
}

make_venv() {
    venv_is_sound && return
    choose_python
    rm -rf .venv
    step "Making .venv with $("$PYTHON_FOUND" --version)" "$PYTHON_FOUND" -m venv .venv
    printf '%s\n' "$PWD" >.venv/.made-in
}

checksum() {
    if command -v sha256sum >/dev/null; then
        cat "$@" | sha256sum | cut -d ' ' -f 1
    else
        cat "$@" | shasum -a 256 | cut -d ' ' -f 1
    fi
}

# stamped NAME FILE...: whether the step NAME was last done with these files as they are.
stamped() {
    local stamp=.venv/.stamps/$1
    shift
    [ "$(cat "$stamp" 2>/dev/null)" = "$(checksum "$@")" ]
}

stamp() {
    local stamp=.venv/.stamps/$1
    shift
    mkdir -p .venv/.stamps
    checksum "$@" >"$stamp"
}

install_requirements() {
    local file=$1
    stamped requirements-dev requirements-dev.txt && stamped requirements requirements.txt && return
    [ "$file" = requirements.txt ] && stamped requirements requirements.txt && return
    step "Installing $(grep -c '^[a-zA-Z0-9]' "$file") Python packages of $file" \
        .venv/bin/python -m pip install --require-hashes --disable-pip-version-check -r "$file"
    rm -f .venv/.stamps/requirements*
    stamp requirements requirements.txt
    [ "$file" = requirements.txt ] || stamp requirements-dev requirements-dev.txt
}

install_command() {
    [ -x .venv/bin/masseflyt ] && stamped command pyproject.toml && return
    step "Installing the masseflyt command" \
        .venv/bin/python -m pip install --disable-pip-version-check --no-build-isolation --no-deps --editable .
    stamp command pyproject.toml
}
