#!/bin/sh
# Start Redis with the accounts of users.acl, each with the password that stands in the address of its service.
set -eu
here=$(dirname "$0")
while read -r word login rules; do
    [ "$word" = user ] || continue
    secret="/run/secrets/${login}_redis_url"
    if [ -e "$secret" ]; then
        account=$(sed 's|^[^:]*://||; s|@.*||' "$secret")
        rules="#$(printf %s "${account#*:}" | sha256sum | cut -d ' ' -f 1) $rules"
    fi
    echo "user $login $rules"
done < "$here/users.acl" > /tmp/users.acl
exec redis-server "$here/redis.conf" --aclfile /tmp/users.acl
