-- Recall (C). Rules: src/recall/README.md.

CREATE TYPE agentmem.recalled AS (
  id bigint, namespace text, kind text, content text, score real, tokens int, valid_period tstzrange,
  confidence real, attributes jsonb, source text, channels jsonb);
COMMENT ON TYPE agentmem.recalled IS
  'A row of recall(): score 0 to 1, tokens of the content in a prompt (4 bytes each), channels {"semantic": {"rank", "score"}, "lexical": ...} for those that found it';

CREATE FUNCTION agentmem.recall(
  store name, namespace text, query text DEFAULT NULL, embedding agentmem.vector DEFAULT NULL, k int DEFAULT 10,
  kinds text[] DEFAULT NULL, tags text[] DEFAULT NULL, attributes jsonb DEFAULT NULL, subject text DEFAULT NULL,
  valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL, during tstzrange DEFAULT NULL,
  states text[] DEFAULT '{active,warm,cold}', min_score real DEFAULT NULL, max_tokens int DEFAULT NULL,
  mode text DEFAULT 'fast', fusion text DEFAULT 'score', weights jsonb DEFAULT NULL, diversity real DEFAULT 0,
  granularity text DEFAULT 'memory', shared text[] DEFAULT NULL,
  min_similarity real DEFAULT NULL, session text DEFAULT NULL, predicate text DEFAULT NULL, tags_any text[] DEFAULT NULL,
  prefix boolean DEFAULT false)
RETURNS SETOF agentmem.recalled LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10
AS 'MODULE_PATHNAME', 'agm_fn_recall';
COMMENT ON FUNCTION agentmem.recall(name, text, text, agentmem.vector, int, text[], text[], jsonb, text, timestamptz, timestamptz, tstzrange,
  text[], real, int, text, text, jsonb, real, text, text[], real, text, text, text[], boolean) IS
  'The k memories of a namespace that answer best: by meaning (embedding) and words (query), best first; with neither, the newest. Every filter acts before ranking';

CREATE FUNCTION agentmem.recall_context(
  store name, namespace text, query text DEFAULT NULL, embedding agentmem.vector DEFAULT NULL, k int DEFAULT 10,
  kinds text[] DEFAULT NULL, tags text[] DEFAULT NULL, attributes jsonb DEFAULT NULL, subject text DEFAULT NULL,
  valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL, during tstzrange DEFAULT NULL,
  states text[] DEFAULT '{active,warm,cold}', min_score real DEFAULT NULL, max_tokens int DEFAULT NULL,
  mode text DEFAULT 'fast', fusion text DEFAULT 'score', weights jsonb DEFAULT NULL, diversity real DEFAULT 0,
  granularity text DEFAULT 'memory', shared text[] DEFAULT NULL,
  min_similarity real DEFAULT NULL, session text DEFAULT NULL, predicate text DEFAULT NULL, tags_any text[] DEFAULT NULL,
  prefix boolean DEFAULT false)
RETURNS text LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_recall_context';
COMMENT ON FUNCTION agentmem.recall_context(name, text, text, agentmem.vector, int, text[], text[], jsonb, text, timestamptz, timestamptz, tstzrange,
  text[], real, int, text, text, jsonb, real, text, text[], real, text, text, text[], boolean) IS
  'The memories that recall() finds as one dated block of text for a prompt, at most max_tokens in all';
