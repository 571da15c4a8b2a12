# shellcheck shell=bash
# Writing into at most 100,000 rows that have an index: 5,000 rows by one statement, one by one
# in a transaction, by COPY; VACUUM after deleting 20 %.  Beside it the same without an index.
csv ann_write 'method,statement_ms,single_ms,copy_ms,vacuum_ms'
base=$((rows < 100000 ? rows - rows / 10 : 90000))
batch=$((base / 20 < 5000 ? base / 20 : 5000))
read -r -d '' singles <<'END_OF_SINGLES' || true
DO $$ DECLARE r record; BEGIN
	FOR r IN SELECT * FROM ann.more LOOP INSERT INTO ann.written VALUES (r.id, r.emb); END LOOP;
END $$
END_OF_SINGLES
: >"$scratch/write"
for ((round = 0; round < rounds; round++)); do
	for method in none "${methods[@]}"; do
		kinds=(agentmem)
		[ "$method" != none ] || kinds=("${tables[@]}")
		[ "$method" = none ] || kinds=("$(table_of "$method")")
		# VACUUM of hnsw takes minutes: once.
		[ "$method" != hnsw ] || [ "$round" -eq 0 ] || continue
		for kind in "${kinds[@]}"; do
			name=$method
			[ "$method" != none ] || name="none:$kind"
			sql -c 'DROP TABLE IF EXISTS ann.written, ann.more' \
				-c "CREATE TABLE ann.written AS SELECT id, emb FROM ann.$kind LIMIT $base" \
				-c "CREATE TABLE ann.more AS SELECT id, emb FROM ann.$kind OFFSET $base LIMIT $batch" \
				-c 'VACUUM (FREEZE, ANALYZE) ann.written' -c 'VACUUM (FREEZE, ANALYZE) ann.more'
			if [ "$method" != none ]; then
				sql -c "SET maintenance_work_mem = '1GB'" -c "$(create_index "$method" ann.written)"
			fi
			sql -c CHECKPOINT
			statement=$(timed 'SELECT count(*) FROM ann.more' 'INSERT INTO ann.written SELECT * FROM ann.more')
			single=$(timed 'SELECT count(*) FROM ann.more' "$singles")
			sql -c "COPY ann.more TO STDOUT (FORMAT binary)" >"$scratch/more"
			copy=$(sql -c '\timing on' -c 'COPY ann.written FROM STDIN (FORMAT binary)' <"$scratch/more" |
				awk '/^Time: / { print $2 }')
			sql -c 'DELETE FROM ann.written WHERE id % 5 = 0' -c CHECKPOINT
			vacuum=$(timed 'VACUUM ann.written')
			printf '%s %s %s %s %s\n' "$name" "$statement" "$single" "$copy" "$vacuum" | tee -a "$scratch/write"
		done
	done
done
say "medians; $batch rows into $base"
for name in $(cut -d ' ' -f 1 "$scratch/write" | awk '!seen[$0]++'); do
	figures=()
	for field in 2 3 4 5; do
		figures+=("$(awk -v n="$name" -v f="$field" '$1 == n { print $f }' "$scratch/write" | median)")
	done
	row ann_write "$name" "${figures[@]}"
done
sql -c 'DROP TABLE IF EXISTS ann.written, ann.more'
