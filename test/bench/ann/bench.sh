# shellcheck shell=bash
# Nearest neighbours by index: ivfbq, and pgvector's hnsw and ivfflat where the server has it;
# the same rows, settings and run.
#
#	ANN_DATA     mixture (synthetic), memsent, glove, or the path of a file of vectors, little
#	             endian, row after row: then ANN_FORMAT (f16 or f32) and ANN_DIM say what is in it
#	ANN_ROWS     rows of the mixture (100000); at most so many of a file
#	ANN_PARTS    of: search write keys small growth rounds (all)
#	ANN_METHODS  of: ivfbq hnsw ivfflat (all that are there)
#	ANN_ROUNDS   rounds whose median is told (3), ANN_SECONDS of each (5), ANN_QUERIES (500)
#	ANN_OUT      where the CSV files go (a new folder); docs/benchmarks to publish
#
# Shared buffers, SHARED_BUFFERS of test/bench/run, should hold the table and its largest index.
ann=$WORK/src/test/bench/ann
data=${ANN_DATA:-mixture}
rows=${ANN_ROWS:-100000}
parts=${ANN_PARTS:-search write keys small growth rounds}
queries=${ANN_QUERIES:-500}
rounds=${ANN_ROUNDS:-3}
seconds=${ANN_SECONDS:-5}
out=$(cd "$ROOT" && realpath -m "${ANN_OUT:-$(mktemp -d)}")
mkdir -p "$out"
scratch=$(mktemp -d)
chmod a+rx "$scratch"

# shellcheck source=test/bench/ann/lib.sh
. "$ann/lib.sh"
# shellcheck source=test/bench/ann/data.sh
. "$ann/data.sh"

sql -c 'ALTER DATABASE bench SET client_min_messages = warning'
sql -c 'CREATE EXTENSION IF NOT EXISTS agentmem' -c 'DROP SCHEMA IF EXISTS ann CASCADE' -c 'CREATE SCHEMA ann'
tables=(agentmem)
methods=()
[ "$(sql -c "SELECT count(*) FROM pg_am WHERE amname = 'ivfbq'")" -eq 0 ] || methods+=(ivfbq)
if [ "$(sql -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")" -eq 1 ]; then
	sql -c 'CREATE EXTENSION IF NOT EXISTS vector SCHEMA public'
	tables+=(pgvector)
	methods+=(hnsw ivfflat)
	say "PostgreSQL $(sql -c 'SHOW server_version'), pgvector $(sql -c "SELECT extversion FROM pg_extension WHERE extname = 'vector'")"
else
	say "pgvector is not installed in this server: ivfbq alone"
fi
if [ -n "${ANN_METHODS:-}" ]; then
	present=" ${methods[*]} "
	methods=()
	for method in $ANN_METHODS; do
		[[ $present == *" $method "* ]] && methods+=("$method")
	done
fi
say "methods: ${methods[*]:-none}"

if load_data; then
	for part in $parts; do
		say "$part: $data, $rows x $dim"
		# shellcheck source=/dev/null
		. "$ann/$part.sh"
	done
	say "CSV files in $out"
fi
rm -rf "$scratch"
