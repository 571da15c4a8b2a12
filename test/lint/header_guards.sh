# Headers are guarded by AGM_<DOMAIN>_<FILE>_H.
for file in src/*/*.h; do
	guard=$(echo "${file#src/}" | tr 'a-z/.' 'A-Z__' | sed 's/^/AGM_/')
	[ "$(grep -cE "^#(ifndef|define) $guard\$" "$file")" -eq 2 ] || echo "$file: the guard is not $guard"
done
exit 0
