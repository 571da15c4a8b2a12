# The sources look as .clang-format says; other versions of the tool differ in details.
command -v clang-format-14 >/dev/null || { echo "clang-format-14 is not installed"; exit 77; }
find src test/unit contrib -name '*.[ch]' -print0 | xargs -0 clang-format-14 --dry-run 2>&1 |
	grep -E '^[^ ]+:[0-9]+:[0-9]+: warning' | sed 's/: warning.*/: not formatted/' | sort -u -t: -k1,1
exit 0
