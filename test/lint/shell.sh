# Shell scripts parse, and the ones with a first line are strict.
for file in check demo .ci/run test/lib/*.sh test/*/run test/lint/*.sh; do
	[ -f "$file" ] || { echo "$file is missing"; continue; }
	bash -n "$file"
done
grep -L 'set -euo pipefail' check demo
exit 0
