# shellcheck shell=bash
# Retrieval quality on real conversations, each question within its own.
if copy_data locomo "$name"; then
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/load.sql" >/dev/null
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/quality.sql"
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/fit.sql"
fi
