#!/bin/sh
# Make the secrets of an installation that are not there yet: one address with its password for each service and server.
# The folder is closed to others; the files in it are readable, because each is shown to one container only, whose
# account is not yours.
set -eu
folder=${SERUMPUN_SECRETS:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 0700 "$folder"

keep() { # NAME CONTENT
    [ -e "$folder/$1" ] && return
    printf '%s\n' "$2" > "$folder/$1.new"
    chmod 0444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    echo "made $folder/$1"
}

password() { head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

keep postgres_password "$(password)"
keep smtp_url "" # smtps://user:password@host, when messages are to go by mail too
keep operator_redis_url "redis://operator:$(password)@redis:6379/0"
for service in registration aid_distribution notifications; do
    keep "${service}_database_url" "postgresql://$service:$(password)@postgres:5432/serumpun_$service"
    keep "${service}_redis_url" "redis://$service:$(password)@redis:6379/0"
done
