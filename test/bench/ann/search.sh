# shellcheck shell=bash
# One key: build time, size, recall@10, latency.  ivfflat; then ivfbq and hnsw in turns.
csv ann_build 'method,build_s,size_mb,table_mb'
csv ann_search 'method,setting,recall,p50_ms,p95_ms,qps1,qps2'
mem=${ANN_MAINTENANCE_MEM:-4GB}
make_truth ann.agentmem ann.truth
script floor '' "SELECT id FROM ann.query_agentmem WHERE id = :q"
printf 'floor\tfloor\t\n' >"$scratch/runs"
: >"$scratch/recall"
: >"$scratch/done"
ordered=()
for method in ivfflat ivfbq hnsw; do
	if [[ " ${methods[*]} " == *" $method "* ]]; then ordered+=("$method"); fi
done
for method in "${ordered[@]}"; do
	table=ann.$(table_of "$method")
	build=$(timed "SET maintenance_work_mem = '$mem'" "$(create_index "$method" "$table")")
	sql -c "ANALYZE $table" -c CHECKPOINT
	row ann_build "$method" "$(awk -v ms="$build" 'BEGIN { printf "%.2f", ms / 1000 }')" \
		"$(size_mb "ann.$(table_of "$method")_$method")" "$(size_mb "$table")"
	index=$(table_of "$method")_$method
	statement=$(search "$method" "$table" "(SELECT emb FROM ann.query_$(table_of "$method") WHERE id = :q)")
	script "$method" '' "$statement"
	for setting in $(settings_of "$method"); do
		options=$(settings "$setting")
		options+=$(forced "$index" "$options" "${statement//:q/7}")
		must_use "$index" "$options" "${statement//:q/7}"
		read -r found recall <<<"$(recall_of "$method" "$table" ann.truth "$options")"
		[ "$found" = 10.00 ] || say "$method $setting: $found rows of 10"
		printf '%s:%s %s\n' "$method" "$setting" "$recall" >>"$scratch/recall"
		printf '%s:%s\t%s\t%s\n' "$method" "$setting" "$method" "$options" >>"$scratch/runs"
	done
	if [ "$method" = ivfflat ]; then
		# Of two indexes over one column the planner would take its own choice.
		in_rounds "$scratch/runs" >>"$scratch/done"
		: >"$scratch/runs"
		sql -c 'DROP INDEX ann.pgvector_ivfflat'
	fi
done
in_rounds "$scratch/runs" >>"$scratch/done"
while read -r name p50 p95 one two <&3; do
	row ann_search "${name%%:*}" "$(cut -s -d= -f2 <<<"$name")" \
		"$(awk -v n="$name" '$1 == n { print $2 }' "$scratch/recall")" "$p50" "$p95" "$one" "$two"
done 3<"$scratch/done"
