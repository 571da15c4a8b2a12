# shellcheck shell=bash
# Calls of remember a second: one client, one call a transaction, synchronous_commit off,
# 384 dimensions and 30 words, all indexes; at 0 and at 100,000 memories.  Beside it an
# INSERT of the same content, vector and tsvector into a plain table.  new: the first value
# of a subject; keyed: each call replaces the value that one of 2,000 subjects has; many: rows a second of remember_many, 1,000 a call.
# Then what 8 concepts of an episode of 100 words cost, at CONCEPT_SIZES memories (default: 1000; 1000000 takes minutes).

# rate SCRIPT VARIABLE...: transactions a second of one client.
rate() {
	local script=$1
	shift
	as_user env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" PGOPTIONS='-c synchronous_commit=off' "$BINDIR/pgbench" \
		-n -c 1 -M prepared -T "${SECONDS_EACH:-10}" "${@/#/-D}" -f "$WORK/src/$script" bench 2>/dev/null | sed -n 's/^tps = \([0-9]*\).*/\1/p'
}

if copy_data locomo "$name"; then
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/load.sql" >/dev/null
	"${psql[@]}" -f "$WORK/src/test/bench/recall/load.sql" >/dev/null
	for size in 0 100000; do
		for round in 1 2 3; do
			"${psql[@]}" -f "$WORK/src/test/bench/remember/load.sql" >/dev/null
			[ "$size" -eq 0 ] || "${psql[@]}" -f "$WORK/src/test/bench/remember/fill.sql" >/dev/null
			# At 0 each has a namespace of its own.
			printf 'at %6d  round %d' "$size" "$round"
			for kind in observation fact; do
				printf '  %s %5d/s' "$kind" "$(rate test/bench/remember/remember.pgbench kind=$kind ns="$([ "$size" -eq 0 ] && echo $kind || echo n)")"
			done
			for what in 'new 1000000000' 'keyed 2000'; do
				read -r label subjects <<<"$what"
				printf '  %s %5d/s' "$label" "$(rate test/bench/remember/keyed.pgbench subjects="$subjects" ns="$([ "$size" -eq 0 ] && echo "$label" || echo n)")"
			done
			printf '  many %6d/s' "$("${psql[@]}" -At -v kind=observation -f "$WORK/src/test/bench/remember/many.sql")"
			printf '  plain INSERT %5d/s\n' "$(rate test/bench/remember/plain.pgbench)"
		done
	done
	for size in ${CONCEPT_SIZES:-1000}; do
		for round in 1 2 3; do
			"${psql[@]}" -At -F' ' -v size="$size" -v concepts=8 -f "$WORK/src/test/bench/remember/concepts.sql" |
				sed -n "s/^\([0-9]*\) \([0-9.]*\) \([0-9.]*\) \([0-9.]*\) \([0-9.]*\)$/concepts at \1  round $round  off \2 ms  on \3 ms  ratio \4 (of processor time \5)/p"
		done
	done
fi
