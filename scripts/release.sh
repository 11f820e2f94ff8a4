#!/usr/bin/env bash
# Check that a release can be made, and with --tag make its tag. docs/releases.md says the rest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "Error: $1" >&2
    exit 1
}

case "${1-}" in
    "" | --tag) ;;
    *) echo "Usage: scripts/release.sh [--tag]" >&2; exit 2 ;;
esac

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/elasticjob_cloud/__init__.py)
[ -n "$version" ] || fail "src/elasticjob_cloud/__init__.py names no version."
[ -z "$(git status --porcelain)" ] || fail "The working tree is not clean. Commit or remove what 'git status' shows."
[ "$(git branch --show-current)" = main ] || fail "This is not the branch main."
grep -Eq "^## \[$version\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md ||
    fail "CHANGELOG.md has no heading '## [$version] - YYYY-MM-DD'."
! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || fail "The tag v$version exists."
make packages

if [ "${1-}" = --tag ]; then
    git tag -a "v$version" -m "Version $version"
    echo "==> tagged v$version. To publish: git push origin v$version && uv build --clear && uv publish"
else
    echo "==> version $version can be released: scripts/release.sh --tag"
fi
