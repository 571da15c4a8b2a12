# shellcheck shell=bash
# What the parts share: statements and their times, indexes, pgbench, CSV.

sql() { "${psql[@]}" -At -F ' ' "$@"; }

# timed STATEMENT...: all but the last for their effect; the time of the last, ms.
timed() {
	local arguments=() statement
	for statement in "$@"; do arguments+=(-c "$statement"); done
	sql -c '\timing on' "${arguments[@]}" | awk '/^Time: / { t = $2 } END { print t }'
}

# median of the numbers of standard input, one a line.
median() { sort -n | awk '{ a[NR] = $1 } END { print NR ? a[int((NR + 1) / 2)] : "" }'; }

# settings NAME=VALUE...: PGOPTIONS.
settings() {
	local setting
	for setting in "$@"; do printf -- '-c %s ' "$setting"; done
}

# csv NAME HEAD: begins or goes on with a file, without the rows of this data set that it has.
csv() {
	local file=$out/$1.csv
	if [ -f "$file" ] && [ "$(head -n 1 "$file")" = "data,rows,$2" ]; then
		awk -F, -v d="$data_name" -v r="$rows" '!($1 == d && $2 == r)' "$file" >"$scratch/csv"
		cat "$scratch/csv" >"$file"
	else
		printf 'data,rows,%s\n' "$2" >"$file"
	fi
}

# row NAME FIELD...: a row of it, shown too.
row() {
	local name=$1 IFS=,
	shift
	printf '%s\n' "$data_name,$rows,$*" | tee -a "$out/$name.csv"
}

# ---------------------------------------------------------------- methods

# table_of METHOD or table: which of the two tables it is over; schema_of: whose operators.
table_of() { case $1 in agentmem | ivfbq | btree | none) echo agentmem ;; *) echo pgvector ;; esac; }
schema_of() { case $(table_of "$1") in agentmem) echo agentmem ;; *) echo public ;; esac; }

# create_index METHOD TABLE [KEYS]: the statement; the index is TABLE_METHOD.
create_index() {
	local method=$1 table=$2 keys=${3:+$3, } with='' n
	case $method in
		hnsw) keys='' with='WITH (m = 16, ef_construction = 64)' ;;
		ivfflat)
			n=$(sql -c "SELECT greatest(count(*) / 1000, 10) FROM $table")
			keys='' with="WITH (lists = $n)"
			;;
	esac
	printf 'CREATE INDEX %s_%s ON %s USING %s (%semb %s.vector_cosine_ops) %s' \
		"${table##*.}" "$method" "$table" "$method" "$keys" "$(schema_of "$method")" "$with"
}

# settings_of METHOD: the settings that are compared, one a line.
settings_of() {
	case $1 in
		ivfbq) printf 'agentmem.ivfbq_recall=%s\n' .90 .95 .98 .99 ;;
		hnsw) printf 'hnsw.ef_search=%s\n' 20 40 100 200 400 ;;
		ivfflat) printf 'ivfflat.probes=%s\n' 1 4 10 32 ;;
	esac
}

# search METHOD TABLE QUERY [WHERE]: the statement; QUERY is what gives the vector.
search() {
	printf 'SELECT id FROM %s %s ORDER BY emb OPERATOR(%s.<=>) %s LIMIT 10' \
		"$2" "${4:+WHERE $4}" "$(schema_of "$1")" "$3"
}

# must_use INDEX OPTIONS STATEMENT: dies unless the plan reads that index.
must_use() {
	local plan
	plan=$(PGOPTIONS=$2 sql -c "EXPLAIN (COSTS OFF) $3")
	case $plan in
		*"Index Scan using $1 "* | *"Bitmap Index Scan on $1"*) ;;
		*) printf '%s\n' "$plan" >&2; die "the plan does not use $1" ;;
	esac
}

# forced INDEX OPTIONS STATEMENT: settings without which the planner does not take the index.
forced() {
	if [[ $(PGOPTIONS=$2 sql -c "EXPLAIN (COSTS OFF) $3") != *"using $1 "* ]]; then
		printf '==> %s: the planner does not choose %s by itself\n' "$2" "$1" >&2
		settings enable_seqscan=off enable_sort=off enable_bitmapscan=off
	fi
}

# ---------------------------------------------------------------- what is measured

# recall_of METHOD TABLE TRUTH OPTIONS [WHERE]: rows found a query, and their share among the
# truth, in which a tie counts as found; 10 of QUERIES each.
recall_of() {
	local method=$1 table=$2 truth=$3 options=$4 where=${5:-} schema
	schema=$(schema_of "$1")
	PGOPTIONS=$options sql -c "
		SELECT round(avg(found), 2), round(avg(hits / wanted), 4) FROM (
			SELECT q.id, count(r.id) AS found, max(t.wanted)::numeric AS wanted,
				count(DISTINCT r.id) FILTER (WHERE r.d <= t.last + 1e-6)::numeric AS hits
			FROM ann.query_$(table_of "$method") q JOIN $truth t USING (id)
			LEFT JOIN LATERAL (SELECT id, emb OPERATOR($schema.<=>) q.emb AS d FROM $table
				${where:+WHERE $where} ORDER BY emb OPERATOR($schema.<=>) q.emb LIMIT 10) r ON true
			GROUP BY q.id) s"
}

# make_truth TABLE TRUTH [WHERE]: the distance of each query's tenth neighbour, by exact scan;
# two at once.
make_truth() {
	local half pids=()
	sql -c "DROP TABLE IF EXISTS $2" -c "CREATE TABLE $2 (id int, wanted int, last float8)"
	for half in 0 1; do
		PGOPTIONS=$(settings enable_indexscan=off enable_bitmapscan=on max_parallel_workers_per_gather=0) sql -c "
			INSERT INTO $2 SELECT q.id, count(r.d), max(r.d) FROM ann.query_agentmem q
			LEFT JOIN LATERAL (SELECT emb OPERATOR(agentmem.<=>) q.emb AS d FROM $1
				${3:+WHERE $3} ORDER BY 1 LIMIT 10) r ON true WHERE q.id % 2 = $half GROUP BY q.id" &
		pids+=($!)
	done
	wait "${pids[0]}"
	wait "${pids[1]}"
	sql -c "ANALYZE $2"
}

# bench CLIENTS OPTIONS FILE: pgbench; p50 and p95 in ms and transactions a second.
bench() {
	local said
	as_user rm -rf "$WORK/logs"
	as_user mkdir "$WORK/logs"
	as_user cp "$3" "$WORK/logs/script"
	said=$(cd "$WORK/logs" && as_user env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" PGOPTIONS="$2" \
		"$BINDIR/pgbench" -n -c "$1" -j "$1" -M prepared -T "$seconds" -l -f script bench 2>&1) ||
		{ printf '%s\n' "$said" >&2; die "pgbench failed"; }
	cat "$WORK"/logs/pgbench_log.* | awk '{ print $3 / 1000 }' | sort -n | awk -v tps="$(
		printf '%s\n' "$said" | awk '/^tps = / { print $3 }')" '
		{ a[NR] = $1 }
		function p(q, i) { i = int(q * NR + 0.5); return a[i < 1 ? 1 : i] }
		END { printf "%.3f %.3f %.1f\n", p(.5), p(.95), tps }'
}

# script NAME VARIABLES STATEMENT: a file for pgbench.
script() {
	printf '%s\n' "$2" "\\set q random(0, $((queries - 1)))" "$3;" >"$scratch/$1.pgbench"
	chmod a+r "$scratch/$1.pgbench"
}

# in_rounds FILE: lines "name TAB script TAB options"; measures all in turns, and prints "name
# p50 p95 tps1 tps2", medians.
in_rounds() {
	local round name file options one two
	: >"$scratch/times"
	for ((round = 0; round < rounds; round++)); do
		while IFS=$'\t' read -r name file options <&3; do
			one=$(bench 1 "$options" "$scratch/$file.pgbench")
			two=$(bench 2 "$options" "$scratch/$file.pgbench")
			printf '%s %s %s\n' "$name" "$one" "${two##* }" >>"$scratch/times"
		done 3<"$1"
	done
	cut -f 1 "$1" | while read -r name; do
		printf '%s' "$name"
		for field in 2 3 4 5; do
			printf ' %s' "$(awk -v n="$name" -v f="$field" '$1 == n { print $f }' "$scratch/times" | median)"
		done
		printf '\n'
	done
}

size_mb() { sql -c "SELECT round(pg_relation_size('$1') / 1048576.0, 1)"; }
