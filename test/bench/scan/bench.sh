# shellcheck shell=bash
# Exact search by sequential scan, `ORDER BY emb <=> $1 LIMIT 10` over 100,000 x 384, all in
# shared buffers, beside pgvector's type where the server has it; and what it is made of: the
# same rows without distances, and as many distances over 200 rows that stay in the cache.
# ROUNDS of CALLS each, interleaved; SCAN_SETTINGS are settings of agentmem to compare, e.g.
# "agentmem.simd=scalar".
rounds=${ROUNDS:-15}
calls=${CALLS:-3}
"${psql[@]}" -f "$WORK/src/test/bench/scan/load.sql" >/dev/null
"${psql[@]}" -At -F ' ' -c "SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class
	WHERE relnamespace = 'scan'::regnamespace AND relname IN ('agentmem', 'pgvector') ORDER BY 1"
tables=(agentmem)
if [ -n "$("${psql[@]}" -At -c "SELECT to_regclass('scan.pgvector')")" ]; then
	tables+=(pgvector)
else
	say "pgvector is not installed in this server: agentmem's times alone"
fi
query=$("${psql[@]}" -At -c "SELECT emb FROM scan.agentmem WHERE id = 77")
times=$(mktemp)

# What is measured, one a line: workers, name, statement, setting; tabs between.
statements() {
	local workers table schema operator setting
	for workers in 0 2; do
		for table in "${tables[@]}"; do
			schema=${table/pgvector/public}
			for operator in '<=>' '<->' '<#>'; do
				for setting in "" ${SCAN_SETTINGS:-}; do
					[ -z "$setting" ] || [ "$table" = agentmem ] || continue
					printf '%d\t%s\t%s\t%s\n' "$workers" "$operator $table" \
						"SELECT id FROM scan.$table ORDER BY emb OPERATOR($schema.$operator) \$1 LIMIT 10" "$setting"
				done
			done
			[ "$workers" -eq 0 ] || continue
			printf '0\t%s\t%s\t\n' "rows $table" "SELECT id FROM scan.$table ORDER BY id LIMIT 10" \
				"cached <=> $table" "SELECT id FROM scan.small_$table, generate_series(1, 500) ORDER BY emb OPERATOR($schema.<=>) \$1 LIMIT 10" \
				"cached rows $table" "SELECT id FROM scan.small_$table, generate_series(1, 500) ORDER BY id LIMIT 10"
		done
	done
}

# The first round warms up.
for ((round = 0; round <= rounds; round++)); do
	statements | while IFS=$'\t' read -r workers name statement setting; do
		execute="EXECUTE q"
		[[ $statement != *\$1* ]] || execute="EXECUTE q('$query')"
		# The first call of a session reads the catalog.
		{
			printf 'PREPARE q AS %s;\n%s;\n\\timing on\n' "$statement" "$execute"
			for ((call = 0; call < calls; call++)); do printf '%s;\n' "$execute"; done
		} | PGOPTIONS="-c max_parallel_workers_per_gather=$workers ${setting:+-c $setting}" "${psql[@]}" -At |
			awk -v round="$round" -v key="$workers workers  $name $setting" '
				/^Time: / && round > 0 { print key "\t" $2 }' >>"$times"
	done
done
sort -t "$(printf '\t')" -k1,1 -k2,2n "$times" | awk -F '\t' '
	function show() { if (n) printf "%-48s median %6.2f  least %6.2f ms  (%d calls)\n", key, a[int((n + 1) / 2)], a[1], n; n = 0 }
	$1 != key { show(); key = $1 }
	{ a[++n] = $2 }
	END { show() }'
rm -f "$times"
