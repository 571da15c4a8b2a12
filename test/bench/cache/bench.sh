# shellcheck shell=bash
# The semantic cache: hit rates of three traces beside LRU and the offline optimum; what likeness finds of what an exhaustive
# search would; how long look-ups and puts take at 100,000 entries of 384 dimensions in one category.
rows=${CACHE_ROWS:-100000}
here=$WORK/src/test/bench/cache

as_user gcc -O3 -march=native -ffast-math -o "$here/vectors" "$WORK/src/test/bench/ann/vectors.c" -lm 2>/dev/null || die "vectors.c does not compile"
"${psql[@]}" -c 'CREATE EXTENSION IF NOT EXISTS agentmem' -c 'DROP SCHEMA IF EXISTS bench_cache CASCADE' -c 'CREATE SCHEMA bench_cache' \
	-c 'CREATE TABLE bench_cache.vectors (id int, embedding agentmem.vector)' >/dev/null
as_user "$here/vectors" mixture 384 0 "$((rows + 2001))" |
	"${psql[@]}" -c 'COPY bench_cache.vectors FROM STDIN (FORMAT binary)' -c 'CREATE UNIQUE INDEX ON bench_cache.vectors (id)'

outcomes=$(mktemp)
for trace in zipf loop scan zipf-drift; do
	"${psql[@]}" -c 'DROP TABLE IF EXISTS bench_cache.trace' \
		-c 'CREATE TABLE bench_cache.trace (i bigint GENERATED ALWAYS AS IDENTITY, prompt text)' >/dev/null
	python3 "$here/replay.py" trace "$trace" | "${psql[@]}" -c 'COPY bench_cache.trace (prompt) FROM STDIN'
	"${psql[@]}" -At -F ' ' -v name="$trace" -f "$here/replay.sql" >>"$outcomes"
done
python3 "$here/replay.py" table "$outcomes"
rm -f "$outcomes"

"${psql[@]}" -f "$here/like.sql"

"${psql[@]}" -v rows="$rows" -f "$here/load.sql" >/dev/null
for script in same like miss; do
	for round in 1 2 3; do
		as_user rm -f "$WORK"/cache.log.*
		as_user env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" "$BINDIR/pgbench" -n -c 1 -T 10 -D rows="$rows" \
			-l --log-prefix="$WORK/cache.log" -f "$here/$script.pgbench" bench >/dev/null 2>&1
		printf '%-5s round %d  %s\n' "$script" "$round" "$(percentiles "$WORK"/cache.log.*)"
	done
done
