#!/bin/bash
# So much of the public image's first start as the compose file and testcontainers rely on: a superuser with a password
# (POSTGRES_USER, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE), a database (POSTGRES_DB), and the scripts of
# /docker-entrypoint-initdb.d, on a server that listens on its socket only meanwhile.
set -euo pipefail

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    POSTGRES_USER=${POSTGRES_USER:-postgres}
    export POSTGRES_USER PGHOST=/var/run/postgresql
    printf '%s\n' "${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE:-/dev/null}")}" > /tmp/password
    # shellcheck disable=SC2086 # the arguments are words
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password ${POSTGRES_INITDB_ARGS:-}
    rm /tmp/password
    printf 'host all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    pg_ctl --wait --silent -o "-c listen_addresses=''" start
    if [ -n "${POSTGRES_DB:-}" ] && [ "$POSTGRES_DB" != postgres ]; then
        createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    fi
    for script in /docker-entrypoint-initdb.d/*.sh; do
        [ -e "$script" ] && "$script"
    done
    pg_ctl --wait --silent --mode=fast stop
    echo 'PostgreSQL init process complete; ready for start up.'
fi
exec "$@"
