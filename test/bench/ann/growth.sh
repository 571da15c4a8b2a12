# shellcheck shell=bash
# A key that grows from one row to 300,000 (or all) by single inserts, with VACUUM as
# autovacuum's insert threshold would run it (1,000 rows and a fifth of the table), beside a fresh build of the same
# rows.  ivfbq only.
csv ann_growth 'index,setting,size_mb,recall,p50_ms,p95_ms,insert_us,vacuum_s'
if [[ " ${methods[*]} " == *" ivfbq "* ]]; then
	goal=$((rows < 300000 ? rows : 300000))
	sql -c 'DROP TABLE IF EXISTS ann.grown, ann.source' \
		-c "CREATE TABLE ann.grown (id int, emb agentmem.vector($dim))" \
		-c "CREATE TABLE ann.source AS SELECT row_number() OVER () AS n, id, emb FROM ann.agentmem LIMIT $goal" \
		-c 'CREATE UNIQUE INDEX ON ann.source (n)' -c 'VACUUM (FREEZE, ANALYZE) ann.source' \
		-c "$(create_index ivfbq ann.grown)"
	grown=0 inserting=0 vacuuming=0
	while [ "$grown" -lt "$goal" ]; do
		next=$((grown + 1000 + grown / 5))
		[ "$next" -le "$goal" ] || next=$goal
		inserted=$(timed "DO \$\$ DECLARE r record; BEGIN
			FOR r IN SELECT * FROM ann.source WHERE n > $grown AND n <= $next ORDER BY n LOOP
				INSERT INTO ann.grown VALUES (r.id, r.emb);
			END LOOP; END \$\$")
		vacuumed=$(timed 'VACUUM (ANALYZE) ann.grown')
		inserting=$(awk -v a="$inserting" -v b="$inserted" 'BEGIN { print a + b }')
		vacuuming=$(awk -v a="$vacuuming" -v b="$vacuumed" 'BEGIN { print a + b }')
		grown=$next
	done
	sql -c CHECKPOINT
	make_truth ann.grown ann.truth_grown
	statement=$(search ivfbq ann.grown '(SELECT emb FROM ann.query_agentmem WHERE id = :q)')
	script grown '' "$statement"
	for index in grown fresh; do
		if [ "$index" = fresh ]; then
			sql -c "SET maintenance_work_mem = '1GB'" -c 'REINDEX INDEX ann.grown_ivfbq' -c CHECKPOINT
			inserting='' vacuuming=''
		fi
		: >"$scratch/runs"
		: >"$scratch/recall"
		for setting in agentmem.ivfbq_recall=.95 agentmem.ivfbq_recall=.98; do
			options=$(settings $setting)
			must_use grown_ivfbq "$options" "${statement//:q/7}"
			printf '%s %s\n' $setting "$(recall_of ivfbq ann.grown ann.truth_grown "$options")" >>"$scratch/recall"
			printf '%s\tgrown\t%s\n' $setting "$options" >>"$scratch/runs"
		done
		in_rounds "$scratch/runs" >"$scratch/done"
		while read -r setting p50 p95 _ <&3; do
			row ann_growth "$index" "${setting#*=}" "$(size_mb ann.grown_ivfbq)" \
				"$(awk -v n="$setting" '$1 == n { print $3 }' "$scratch/recall")" "$p50" "$p95" \
				"$(awk -v ms="$inserting" -v n="$goal" 'BEGIN { if (ms != "") printf "%.1f", ms * 1000 / n }')" \
				"$(awk -v ms="$vacuuming" 'BEGIN { if (ms != "") printf "%.1f", ms / 1000 }')"
		done 3<"$scratch/done"
	done
	sql -c 'DROP TABLE ann.grown, ann.source'
fi
