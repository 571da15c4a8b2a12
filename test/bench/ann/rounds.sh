# shellcheck shell=bash
# Size under UPDATEs of the vector: ten rounds of ten UPDATEs of 10 % with a VACUUM after each,
# then of one UPDATE of everything and a VACUUM; as multiples of a fresh index.  ivfbq only.
csv ann_rounds 'update,round,size_mb,times_fresh'
if [[ " ${methods[*]} " == *" ivfbq "* ]]; then
	base=$((rows < 50000 ? rows : 50000))
	sql -c 'DROP TABLE IF EXISTS ann.updated, ann.source' \
		-c "CREATE TABLE ann.source AS SELECT row_number() OVER () - 1 AS n, emb FROM ann.agentmem LIMIT $base" \
		-c 'CREATE UNIQUE INDEX ON ann.source (n)' -c 'ANALYZE ann.source'
	for update in tenths everything; do
		sql -c 'DROP TABLE IF EXISTS ann.updated' -c "CREATE TABLE ann.updated AS SELECT n AS id, emb FROM ann.source" \
			-c 'VACUUM (FREEZE, ANALYZE) ann.updated' -c "$(create_index ivfbq ann.updated)"
		fresh=$(size_mb ann.updated_ivfbq)
		for ((round = 1; round <= 10; round++)); do
			for ((tenth = 0; tenth < 10; tenth++)); do
				which="u.id % 10 = $tenth AND"
				if [ "$update" = everything ]; then
					[ "$tenth" -eq 0 ] || break
					which=''
				fi
				sql -c "UPDATE ann.updated u SET emb = s.emb FROM ann.source s
					WHERE $which s.n = (u.id + $round * 7919) % $base" -c 'VACUUM ann.updated'
			done
			size=$(size_mb ann.updated_ivfbq)
			row ann_rounds "$update" "$round" "$size" "$(awk -v a="$size" -v b="$fresh" 'BEGIN { printf "%.2f", a / b }')"
		done
	done
	sql -c 'DROP TABLE ann.updated, ann.source'
fi
