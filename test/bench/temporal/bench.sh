# shellcheck shell=bash
# What was known then against what is known now: the same calls, 200,000 versions of 20,000 memories.
if copy_data locomo "$name"; then
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/load.sql" >/dev/null
	"${psql[@]}" -f "$WORK/src/test/bench/recall/load.sql" >/dev/null
	"${psql[@]}" -f "$WORK/src/test/bench/temporal/load.sql" >/dev/null
	"${psql[@]}" -f "$WORK/src/test/bench/temporal/measure.sql"
fi
