# shellcheck shell=bash
# Latency of recall, k = 10, one client, in namespaces of SIZES memories; beside it, up to 20,000, the same
# hybrid search written by hand (ts_rank and cosine, fused by rank) over a plain table with the usual indexes.
if copy_data locomo "$name"; then
	sizes=${SIZES:-600 20000}
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/load.sql" >/dev/null
	"${psql[@]}" -v sizes="$sizes" -f "$WORK/src/test/bench/recall/load.sql" >/dev/null
	seconds=${SECONDS_EACH:-10}
	for ns in $sizes; do
		for round in 1 2 3; do
			for what in 'all 1 1 1' 'both 1 1 0' 'lexical 1 0 0' 'semantic 0 1 0'; do
				read -r label lexical semantic more <<<"$what"
				printf '%-8s round %d  %-9s ' "$ns" "$round" "$label"
				latency "$seconds" test/bench/recall/recall.pgbench "size=$ns" "lexical=$lexical" "semantic=$semantic" "more=$more"
			done
			[ "$ns" -le 20000 ] || continue
			printf '%-8s round %d  by hand   ' "$ns" "$round"
			latency "$seconds" test/bench/recall/byhand.pgbench "size=$ns"
		done
	done
	"${psql[@]}" -f "$WORK/src/test/bench/recall/access_log.sql"
fi
