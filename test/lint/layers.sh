# A file includes its own folder and lower layers only, and names the folder; module.c may
# include everything.  The order is src/README.md's.
layer() {
	case $1 in
		base) echo 0 ;;
		vector | lexical | temporal) echo 1 ;;
		ivfbq | memory) echo 2 ;;
		graph | jobs) echo 3 ;;
		recall | cache) echo 4 ;;
		consolidate) echo 5 ;;
		scale | worker) echo 6 ;;
		*) echo "src/$1 has no layer" >&2; echo 9 ;;
	esac
}
grep -oH '^#include "[^"]*"' src/*/*.[ch] | tr -d '"' | while IFS=': ' read -r file _ header; do
	own=$(basename "$(dirname "$file")")
	other=${header%%/*}
	if [ "$other" = "$header" ]; then
		! compgen -G "src/*/$header" >/dev/null || echo "$file: $header without its folder"
	elif [ -d "src/$other" ] && [ "$other" != "$own" ]; then
		[ "$(layer "$other")" -lt "$(layer "$own")" ] || echo "$file: $header is not of a lower layer"
	fi
done
exit 0
