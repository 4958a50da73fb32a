#!/bin/bash
# One database and one login for each service, from the addresses that the services themselves are given. The image runs
# it once, on an empty folder; run it again after a password was changed in its file: it then sets the new one.
set -euo pipefail

for service in registration aid_distribution notifications; do
    address=$(cat "/run/secrets/${service}_database_url")
    account=${address#*://}
    account=${account%%@*}
    login=${account%%:*} password=${account#*:} database=${address##*/}
    export login password database
    psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv login login
\getenv password password
\getenv database database
SELECT format('CREATE ROLE %I LOGIN', :'login') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
ALTER ROLE :"login" NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8''', :'database', :'login')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
done
