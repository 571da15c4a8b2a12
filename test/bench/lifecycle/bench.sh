# shellcheck shell=bash
# 300 days of an agent's memory, with maintenance and without: what its embeddings take, what is found of what is asked for, and
# how far what is used is from what is not. LIFE_KINDS: the kinds of the memories, in turn; LIFE_FEEDBACK: true
# if the agent says of the first answer that it helped.
life_kinds=${LIFE_KINDS:-observation}
"${psql[@]}" -c 'CREATE EXTENSION IF NOT EXISTS agentmem' -c 'CREATE SCHEMA life' 2>/dev/null
"${psql[@]}" -f "$WORK/src/test/bench/lifecycle/load.sql"
"${psql[@]}" -f "$WORK/src/test/bench/lifecycle/run.sql" >/dev/null
for life_day in $(seq 0 10 290); do
	[ $((life_day % 30)) != 0 ] || [ "$life_day" = 0 ] || "${psql[@]}" -c "CALL life.measure($life_day, 5)"
	"${psql[@]}" -c "CALL life.live($life_day, $((life_day + 9)), '{$life_kinds}', ${LIFE_FEEDBACK:-false})" -c 'VACUUM ANALYZE'
done
"${psql[@]}" -c 'CALL life.measure(300, 1)'
"${psql[@]}" -v kinds="{$life_kinds}" -f "$WORK/src/test/bench/lifecycle/result.sql"
"${psql[@]}" -c 'DROP SCHEMA life, kept, bare CASCADE' 2>/dev/null
