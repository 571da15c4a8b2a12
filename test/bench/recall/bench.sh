# shellcheck shell=bash
# Latency of recall, k = 10, one client; beside it the same hybrid search written by hand
# (ts_rank and cosine, fused by rank) over a plain table with the usual indexes.
if copy_data locomo "$name"; then
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/load.sql" >/dev/null
	"${psql[@]}" -f "$WORK/src/test/bench/recall/load.sql" >/dev/null
	seconds=${SECONDS_EACH:-10}
	for ns in small large; do
		for round in 1 2 3; do
			printf '%-6s round %d  all       ' "$ns" "$round"
			latency "$seconds" test/bench/recall/recall.pgbench "ns=$ns" lexical=1 semantic=1 more=1
			printf '%-6s round %d  both      ' "$ns" "$round"
			latency "$seconds" test/bench/recall/recall.pgbench "ns=$ns" lexical=1 semantic=1 more=0
			printf '%-6s round %d  lexical   ' "$ns" "$round"
			latency "$seconds" test/bench/recall/recall.pgbench "ns=$ns" lexical=1 semantic=0 more=0
			printf '%-6s round %d  semantic  ' "$ns" "$round"
			latency "$seconds" test/bench/recall/recall.pgbench "ns=$ns" lexical=0 semantic=1 more=0
			printf '%-6s round %d  by hand   ' "$ns" "$round"
			latency "$seconds" test/bench/recall/byhand.pgbench "ns=$ns"
		done
	done
	"${psql[@]}" -f "$WORK/src/test/bench/recall/access_log.sql"
fi
