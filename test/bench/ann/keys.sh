# shellcheck shell=bash
# Many keys in one index: of a million rows 800 keys of 1,000 and ten of 20,000 (of fewer rows
# in proportion, one large key at least), rows of a key anywhere in the table.  ivfbq over
# (tenant, emb); the same table by btree and sort; hnsw with a filter.
csv ann_keys 'key_rows,method,setting,found,recall,p50_ms,p95_ms,qps1,qps2'
large=$((rows / 100000 > 0 ? rows / 100000 : 1))
large_rows=20000
[ $((large * large_rows)) -le $((rows / 2)) ] || large_rows=$((rows / 5))
small=$(((rows - large * large_rows) / 1000))
: >"$scratch/runs"
: >"$scratch/recall"
for table in "${tables[@]}"; do
	# A number that is prime to the number of rows scatters the keys.
	sql -c "DROP TABLE IF EXISTS ann.keyed_$table" \
		-c "CREATE TABLE ann.keyed_$table AS SELECT CASE WHEN n < $large * $large_rows THEN $small + n % $large ELSE (n - $large * $large_rows) % $small END AS tenant,
			id, emb FROM (SELECT (id::bigint * 999983 % $rows)::int AS n, id, emb FROM ann.$table) s" \
		-c "CREATE INDEX keyed_${table}_btree ON ann.keyed_$table (tenant)"
done
if [[ " ${methods[*]} " == *" ivfbq "* ]]; then
	sql -c "SET maintenance_work_mem = '${ANN_MAINTENANCE_MEM:-4GB}'" \
		-c "$(create_index ivfbq ann.keyed_agentmem tenant)"
fi
if [[ " ${methods[*]} " == *" hnsw "* ]]; then
	sql -c "SET maintenance_work_mem = '${ANN_MAINTENANCE_MEM:-4GB}'" -c "$(create_index hnsw ann.keyed_pgvector)"
fi
for table in "${tables[@]}"; do sql -c "VACUUM (FREEZE, ANALYZE) ann.keyed_$table"; done
sql -c CHECKPOINT

# keyed SIZE METHOD LABEL OPTIONS INDEX: one of those to be measured.
keyed() {
	local size=$1 method=$2 label=$3 options=$4 index=$5 table statement
	table=$(table_of "$method")
	statement=$(search "$method" "ann.keyed_$table" "(SELECT emb FROM ann.query_$table WHERE id = :q)" 'tenant = :t')
	if [ "$size" = large ]; then
		script "$size-$method" "\\set t random($small, $((small + large - 1)))" "$statement"
	else
		script "$size-$method" "\\set t random(0, $((small - 1)))" "$statement"
	fi
	statement=${statement//:q/7}
	must_use "$index" "$options" "${statement//:t/$([ "$size" = large ] && echo "$small" || echo 3)}"
	printf '%s:%s:%s %s\n' "$size" "$method" "$label" "$(recall_of "$method" "ann.keyed_$table" "ann.truth_$size" \
		"$options" "tenant = $(tenant_of "$size")")" | tee -a "$scratch/recall"
	printf '%s:%s:%s\t%s-%s\t%s\n' "$size" "$method" "$label" "$size" "$method" "$options" >>"$scratch/runs"
}
tenant_of() { [ "$1" = large ] && echo "$small + q.id % $large" || echo "q.id % $small"; }

for size in small large; do
	make_truth ann.keyed_agentmem "ann.truth_$size" "tenant = $(tenant_of "$size")"
	keyed $size btree '' "$(settings enable_indexscan=off enable_seqscan=off)" keyed_agentmem_btree
	if [[ " ${methods[*]} " == *" ivfbq "* ]]; then
		keyed $size ivfbq '' '' keyed_agentmem_ivfbq
	fi
	if [[ " ${methods[*]} " == *" hnsw "* ]]; then
		for scan in off strict_order relaxed_order; do
			keyed $size hnsw $scan "$(settings hnsw.iterative_scan=$scan enable_sort=off enable_bitmapscan=off enable_seqscan=off)" keyed_pgvector_hnsw
		done
	fi
done
in_rounds "$scratch/runs" >"$scratch/done"
while read -r name figures <&3; do
	IFS=: read -r size method label <<<"$name"
	# shellcheck disable=SC2046,SC2086
	row ann_keys "$([ "$size" = large ] && echo "$large_rows" || echo 1000)" "$method" "$label" \
		$(awk -v n="$name" '$1 == n { print $2, $3 }' "$scratch/recall") $figures
done 3<"$scratch/done"
for table in "${tables[@]}"; do sql -c "DROP TABLE ann.keyed_$table"; done
