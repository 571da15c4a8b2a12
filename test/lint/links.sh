# Relative links of the pages lead to files and headings that are there; docs/index.md links every page,
# docs/reference.md every page of the reference, which leads back.
anchors=$(mktemp -d)
trap 'rm -rf "$anchors"' EXIT
# slugs PAGE: the anchors that GitHub makes of its headings.
slugs() {
	local kept
	kept=$anchors/$(realpath --relative-to=. "$1" | tr / +)
	[ -e "$kept" ] || make_slugs "$1" >"$kept"
	cat "$kept"
}
make_slugs() {
	awk '/^```/ { code = !code } !code && /^#/' "$1" | sed -E 's/^#+ +//' | tr '[:upper:]' '[:lower:]' |
		sed -E 's/\[([^]]*)\]\([^)]*\)/\1/g; s/[^[:alnum:]_ -]//g; s/ /-/g' | awk '{ print $0 (n[$0]++ ? "-" n[$0] - 1 : "") }'
}

for page in docs/*.md docs/howto/*.md; do
	[ "$page" = docs/index.md ] || grep -qF "(${page#docs/})" docs/index.md || echo "docs/index.md has no link to $page"
done
for page in docs/reference/*.md; do
	grep -qF "(${page#docs/})" docs/reference.md || echo "docs/reference.md has no link to $page"
	head -3 "$page" | grep -qF '(../reference.md)' || echo "$page does not begin with a link to docs/reference.md"
done
find . \( -name .git -o -name tmp_check -o -name results \) -prune -o -name '*.md' -print | while read -r page; do
	awk '/^```/ { code = !code } !code' "$page" | sed 's/`[^`]*`//g' | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\((.*)\)$/\1/' | while read -r link; do
		case $link in http://* | https://* | mailto:*) continue ;; esac
		file=${link%%#*}
		target=$(dirname "$page")/$file
		[ -n "$file" ] || target=$page
		if [ ! -e "$target" ]; then
			echo "${page#./}: $link is not there"
		elif [ "$link" != "$file" ] && [[ $target == *.md ]]; then
			slugs "$target" | grep -qxF "${link#*#}" || echo "${page#./}: no heading for $link"
		fi
	done
done
exit 0
