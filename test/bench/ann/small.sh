# shellcheck shell=bash
# Keys of 5 rows beside ten keys and one of the same rows, half of all: size, build, inserts of
# 5,000 rows one by one, search.  ivfbq only.
csv ann_small 'keys,build_s,size_mb,single_ms,p50_ms,p95_ms'
if [[ " ${methods[*]} " == *" ivfbq "* ]]; then
	half=$((rows / 2))
	: >"$scratch/runs"
	: >"$scratch/small"
	for keys in 1 10 $((half / 5)); do
		sql -c "DROP TABLE IF EXISTS ann.small_$keys" \
			-c "CREATE TABLE ann.small_$keys AS SELECT (row_number() OVER () % $keys)::int AS tenant, id, emb FROM ann.agentmem LIMIT $half"
		build=$(timed "SET maintenance_work_mem = '1GB'" "$(create_index ivfbq "ann.small_$keys" tenant)")
		sql -c "VACUUM (FREEZE, ANALYZE) ann.small_$keys" -c CHECKPOINT
		printf '%s %s %s\n' "$keys" "$(awk -v ms="$build" 'BEGIN { printf "%.2f", ms / 1000 }')" \
			"$(size_mb "ann.small_${keys}_ivfbq")" >>"$scratch/small"
		statement=$(search ivfbq "ann.small_$keys" "(SELECT emb FROM ann.query_agentmem WHERE id = :q)" 'tenant = :t')
		script "keys-$keys" "\\set t random(0, $((keys - 1)))" "$statement"
		statement=${statement//:q/7}
		# The planner may rightly sort five rows; here the index is measured.
		options=$(settings enable_sort=off)
		must_use "small_${keys}_ivfbq" "$options" "${statement//:t/0}"
		printf '%s\tkeys-%s\t%s\n' "$keys" "$keys" "$options" >>"$scratch/runs"
	done
	in_rounds "$scratch/runs" >"$scratch/done"
	for keys in 1 10 $((half / 5)); do
		single=$(for ((round = 0; round < rounds; round++)); do
			timed "SELECT count(*) FROM ann.agentmem WHERE id % 7 = $round" "
				DO \$\$ DECLARE r record; BEGIN
					FOR r IN SELECT * FROM ann.agentmem WHERE id % 7 = $round LIMIT 5000 LOOP
						INSERT INTO ann.small_$keys VALUES (r.id % $keys, r.id, r.emb);
					END LOOP;
				END \$\$"
		done | median)
		read -r _ build size <<<"$(awk -v n="$keys" '$1 == n' "$scratch/small")"
		read -r _ p50 p95 _ <<<"$(awk -v n="$keys" '$1 == n' "$scratch/done")"
		row ann_small "$keys" "$build" "$size" "$single" "$p50" "$p95"
		sql -c "DROP TABLE ann.small_$keys"
	done
fi
