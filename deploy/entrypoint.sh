#!/bin/sh
# Each variable NAME_FILE names a file that holds NAME: secrets come as files, and stand in no command and no image.
set -eu
for pair in $(env | grep -E '^(RAG_[A-Z_]+|PGPASSWORD|[A-Z]+_API_KEY)_FILE=' || true); do
    name=${pair%%=*}
    file=${pair#*=}
    if [ ! -r "$file" ]; then
        echo "$name names a file that cannot be read: $file" >&2
        exit 2
    fi
    export "${name%_FILE}=$(cat "$file")"
    unset "$name"
done
exec "$@"
