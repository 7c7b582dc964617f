#!/bin/sh
# What a person on a fresh machine does: clone, `make book`, `make test`, here with an empty home folder.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
if [ -n "$(git -C "$root" status --porcelain)" ]; then
    echo "Note: changes that are not committed are not in the clone."
fi
git clone --quiet --no-hardlinks "$root" "$scratch/clone"
mkdir "$scratch/home"
cd "$scratch/clone"
unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME VIRTUAL_ENV PYTHONPATH PYTHONHOME REPRO_DATA_DIR REPRO_PROFILE MAKEFLAGS || true
for target in book test; do
    if ! env HOME="$scratch/home" make "$target"; then
        echo "make $target failed in the fresh clone; it is kept for a look: $scratch/clone" >&2
        exit 1
    fi
done
rm -rf "$scratch"
echo "Both commands work in a fresh clone with an empty home folder."
