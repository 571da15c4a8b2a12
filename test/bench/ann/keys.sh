# shellcheck shell=bash
# Many keys in one index: of a million rows 800 keys of 1,000 and ten of 20,000 (of fewer rows
# in proportion, one large key at least), rows of a key anywhere in the table.  ivfbq over
# (tenant, emb); the same table by btree and sort; hnsw with a filter.
csv ann_keys 'key_rows,method,setting,found,recall,p50_ms,p95_ms,qps1,qps2'
: >"$scratch/runs"
: >"$scratch/recall"
mem=${ANN_MAINTENANCE_MEM:-4GB}
sql -c 'DROP INDEX IF EXISTS ann.agentmem_ivfbq' -c 'CREATE INDEX agentmem_btree ON ann.agentmem (tenant)'
if [[ " ${methods[*]} " == *" ivfbq "* ]]; then
	sql -c "SET maintenance_work_mem = '$mem'" -c "$(create_index ivfbq ann.agentmem tenant)"
fi
if [[ " ${methods[*]} " == *" hnsw "* ]] && [ -z "$(sql -c "SELECT to_regclass('ann.pgvector_hnsw')")" ]; then
	sql -c "SET maintenance_work_mem = '$mem'" -c "$(create_index hnsw ann.pgvector)"
fi
for table in "${tables[@]}"; do sql -c "ANALYZE ann.$table"; done
sql -c CHECKPOINT

# keyed SIZE METHOD LABEL OPTIONS INDEX: one of those to be measured.
keyed() {
	local size=$1 method=$2 label=$3 options=$4 index=$5 table statement
	table=$(table_of "$method")
	statement=$(search "$method" "ann.$table" "(SELECT emb FROM ann.query_$table WHERE id = :q)" 'tenant = :t')
	if [ "$size" = large ]; then
		script "$size-$method" "\\set t random($small, $((small + large - 1)))" "$statement"
	else
		script "$size-$method" "\\set t random(0, $((small - 1)))" "$statement"
	fi
	statement=${statement//:q/7}
	must_use "$index" "$options" "${statement//:t/$([ "$size" = large ] && echo "$small" || echo 3)}"
	printf '%s:%s:%s %s\n' "$size" "$method" "$label" "$(recall_of "$method" "ann.$table" "ann.truth_$size" \
		"$options" "tenant = $(tenant_of "$size")")" | tee -a "$scratch/recall"
	printf '%s:%s:%s\t%s-%s\t%s\n' "$size" "$method" "$label" "$size" "$method" "$options" >>"$scratch/runs"
}
tenant_of() { [ "$1" = large ] && echo "$small + q.id % $large" || echo "q.id % $small"; }

for size in small large; do
	make_truth ann.agentmem "ann.truth_$size" "tenant = $(tenant_of "$size")"
	keyed $size btree '' "$(settings enable_indexscan=off enable_seqscan=off)" agentmem_btree
	if [[ " ${methods[*]} " == *" ivfbq "* ]]; then
		keyed $size ivfbq '' '' agentmem_ivfbq
	fi
	if [[ " ${methods[*]} " == *" hnsw "* ]]; then
		for scan in off strict_order relaxed_order; do
			keyed $size hnsw $scan "$(settings hnsw.iterative_scan=$scan enable_sort=off enable_bitmapscan=off enable_seqscan=off)" pgvector_hnsw
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
sql -c 'DROP INDEX ann.agentmem_btree' -c 'DROP INDEX IF EXISTS ann.agentmem_ivfbq'
