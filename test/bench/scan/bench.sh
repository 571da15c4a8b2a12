# shellcheck shell=bash
# Exact search by sequential scan, `ORDER BY emb <=> $1 LIMIT 10` over 100,000 x 384, all in
# shared buffers; beside pgvector's type where the server has it.  Rounds are interleaved.
# ROUNDS, CALLS each; SCAN_SETTINGS are settings to compare, e.g. "agentmem.simd=scalar".
rounds=${ROUNDS:-15}
calls=${CALLS:-3}
"${psql[@]}" -f "$WORK/src/test/bench/scan/load.sql" >/dev/null
tables=$("${psql[@]}" -At -c "SELECT relname FROM pg_class WHERE relnamespace = 'scan'::regnamespace AND relkind = 'r' ORDER BY 1")
"${psql[@]}" -At -F ' ' -c "SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class WHERE relname IN ('agentmem', 'pgvector') AND relkind = 'r'"
case $tables in *pgvector*) ;; *) say "pgvector is not installed in this server: agentmem's times alone" ;; esac
query=$("${psql[@]}" -At -c "SELECT emb FROM scan.agentmem WHERE id = 77")
as_user rm -rf "$WORK/scan"
as_user mkdir -p "$WORK/scan"

for workers in 0 2; do
	for ((round = 0; round <= rounds; round++)); do
		for operator in '<=>' '<->' '<#>'; do
			for table in $tables; do
				for setting in "" ${SCAN_SETTINGS:-}; do
					[ -z "$setting" ] || [ "$table" = agentmem ] || continue
					schema=$table
					[ "$table" != pgvector ] || schema=public
					echo "SELECT id FROM scan.$table ORDER BY emb OPERATOR($schema.$operator) :query LIMIT 10;" |
						as_user tee "$WORK/scan/script" >/dev/null
					(cd "$WORK/scan" && quiet as_user env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" \
						PGOPTIONS="-c max_parallel_workers_per_gather=$workers ${setting:+-c $setting}" \
						"$BINDIR/pgbench" -n -c 1 -M prepared -t "$calls" -l -D "query=$query" -f script bench)
					# The first round warms up.
					[ "$round" -eq 0 ] || as_user cat "$WORK"/scan/pgbench_log.* |
						awk -v key="$workers $operator $table${setting:+ $setting}" '{ print key "\t" $3 / 1000 }' |
						as_user tee -a "$WORK/scan/times" >/dev/null
					as_user bash -c 'rm -f "$WORK"/scan/pgbench_log.*'
				done
			done
		done
	done
done
as_user cat "$WORK/scan/times" | sort -t "$(printf '\t')" -k1,1 -k2,2n | awk -F '\t' '
	function show() { if (n) printf "%-40s median %6.2f  least %6.2f ms  (%d calls)\n", key, a[int((n + 1) / 2)], a[1], n; n = 0 }
	BEGIN { print "workers operator table" }
	$1 != key { show(); key = $1 }
	{ a[++n] = $2 }
	END { show() }'
