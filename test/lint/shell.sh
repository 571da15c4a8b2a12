# Shell scripts parse, and the ones with a first line are strict.
for file in check demo .ci/run test/lib/*.sh test/*/run test/matrix test/package/* test/lint/*.sh debian/tests/installcheck; do
	[ -f "$file" ] || { echo "$file is missing"; continue; }
	bash -n "$file"
done
grep -L 'set -euo pipefail' check demo test/matrix test/package/*
exit 0
