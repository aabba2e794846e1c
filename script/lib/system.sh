# What only the system's own packages bring: PostgreSQL with PostGIS, and Chromium for tests. Sourced, not run.

APT_UPDATED=

has_apt() {
    command -v apt-get >/dev/null
}

# as_root COMMAND...: runs it as root, by sudo where one is not root already.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

may_be_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || return
    sudo -n true 2>/dev/null || [ -t 0 ]
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 "$@"
}

apt_update() {
    [ -n "$APT_UPDATED" ] || step "Reading Debian's package lists" apt_get update
    APT_UPDATED=yes
}

# may_install WHAT PACKAGE...: stops with what an administrator has to run, where we cannot.
may_install() {
    local what=$1
    shift
    has_apt || stop "$what is missing, and this system has no apt-get to install it with. Install it, then run this again."
    may_be_root || stop "$what is missing. An administrator has to run:  apt-get install $*"
}

apt_install() {
    local what=$1
    shift
    may_install "$what" "$@"
    apt_update
    step "Installing $what ($*)" apt_get install --no-install-recommends "$@"
}

# The PostgreSQL to install PostGIS for: one that is here already, else the newest there is.
postgresql_version() {
    local offered installed
    offered=$(apt-cache search --names-only '^postgresql-[0-9]+-postgis-3$' | sed -E 's/^postgresql-([0-9]+)-.*/\1/' | sort -rn)
    for installed in $offered; do
        if [ -x "/usr/lib/postgresql/$installed/bin/postgres" ] && [ "$installed" -ge 15 ]; then
            echo "$installed"
            return
        fi
    done
    echo "$offered" | head -n 1
}

DROP_IN=/etc/postgresql-common/createcluster.d/masseflyt.conf

# Debian starts a server of its own with the package; nobody asked for that one, so it is left out.
# A machine that has a server or a cluster already is left as it is.
install_postgresql() {
    local version=$1 fresh=
    [ -d /etc/postgresql ] && [ -n "$(ls -A /etc/postgresql)" ] || fresh=yes
    apt_get install --no-install-recommends postgresql-common || return
    if [ -n "$fresh" ]; then
        as_root mkdir -p "$(dirname "$DROP_IN")"
        echo 'create_main_cluster = false' | as_root tee "$DROP_IN" >/dev/null
    fi
    apt_get install --no-install-recommends "postgresql-$version" "postgresql-$version-postgis-3" || return
    [ -z "$fresh" ] || as_root rm -f "$DROP_IN"
}

postgres_is_here() {
    POSTGRES_FOUND=$("$PYTHON_ANY" -m marketplace.postgres 2>&1)
}

ensure_postgresql() {
    local version
    postgres_is_here && return
    if [ -n "${POSTGRES_BIN:-}" ]; then
        stop "$POSTGRES_FOUND (POSTGRES_BIN is $POSTGRES_BIN)"
    fi
    has_apt || stop "$POSTGRES_FOUND. Install both, or name the folder of its programs in POSTGRES_BIN, or set DATABASE_URL."
    if ! may_be_root; then
        version=$(postgresql_version)
        stop "$POSTGRES_FOUND. An administrator has to run:  apt-get install postgresql${version:+-$version} postgresql${version:+-$version}-postgis${version:+-3}"
    fi
    apt_update
    version=$(postgresql_version)
    [ -n "$version" ] && [ "$version" -ge 15 ] ||
        stop "$POSTGRES_FOUND, and this system's packages offer PostgreSQL ${version:-with PostGIS not at all}. Install newer ones, or set DATABASE_URL."
    step "Installing PostgreSQL $version with PostGIS" install_postgresql "$version"
    postgres_is_here || stop "$POSTGRES_FOUND"
}

ensure_chromium() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null && return
    done
    apt_install "Chromium, which the browser tests drive" chromium
}
