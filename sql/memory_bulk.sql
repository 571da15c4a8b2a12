-- A batch is written by few statements, with the result of one call after the other.
SET client_min_messages = warning;
SET jit = off;
SELECT agentmem.create_store('bulk', dimensions => 3);
CREATE FUNCTION pg_temp.element(i int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object(
    'content', CASE i % 12 WHEN 3 THEN 'again' ELSE 'kettle number ' || i || ' of ' || repeat('pot' || i % 5 || ' ', 3) END,
    'kind', (ARRAY['observation', 'fact', 'fact', 'fact', 'episode', 'episode', 'preference', 'fact', 'event', 'learning', 'goal', 'observation'])[i % 12 + 1],
    'subject', CASE WHEN i % 12 IN (2, 6, 7, 10) THEN 'subject ' || i % 7 END,
    'predicate', CASE WHEN i % 12 IN (2, 6, 7) THEN 'is' WHEN i % 12 = 10 THEN 'wants' END,
    'object', CASE WHEN i % 12 IN (2, 6, 7, 10) THEN 'object ' || i END,
    'session', CASE WHEN i % 12 = 5 THEN 'session ' || i / 30 END,
    'key', CASE i % 12 WHEN 9 THEN 'key ' || i / 24 END,
    'parent', CASE WHEN i % 12 IN (0, 11) AND i > 12 THEN i / 20 + 1 END,
    'valid_from', CASE WHEN i % 3 = 0 THEN '2026-01-01'::timestamptz + i * interval '1 minute' END,
    'embedding', CASE WHEN i % 4 <> 3 THEN format('[%s,%s,1]', i % 5, i % 9) END))
$$;
SELECT count(*) FROM agentmem.remember_many('bulk', 'batch', (SELECT jsonb_agg(pg_temp.element(i) ORDER BY i) FROM generate_series(0, 239) i));
-- One after the other: its ids begin where the batch's end.
SELECT max(id) AS shift FROM bulk.memory \gset
CREATE TEMP TABLE one AS SELECT i, 0::bigint AS id, '' AS action, '{}'::bigint[] AS related FROM generate_series(0, 239) i;
CREATE FUNCTION pg_temp.one(i int, shift bigint) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT m.id, m.action, m.related FROM agentmem.remember_many('bulk', 'one', jsonb_build_array(
    CASE WHEN pg_temp.element(i) ? 'parent' THEN pg_temp.element(i) || jsonb_build_object('parent', (pg_temp.element(i) ->> 'parent')::bigint + shift)
         ELSE pg_temp.element(i) END)) m
$$;
SELECT count(*) FROM generate_series(0, 239) i, LATERAL pg_temp.one(i, :shift) r(id bigint, action text, related bigint[]);
-- Nothing differs but ids and instants.
CREATE TEMP VIEW both_sides AS
  SELECT m.namespace, id - CASE m.namespace WHEN 'one' THEN (SELECT min(id) - 1 FROM bulk.memory WHERE namespace = 'one') ELSE 0 END AS id,
    kind, content, lexemes, tokens, subject, predicate, object, session, key, content_hash, key_hash, embedding::text AS embedding,
    upper_inf(valid_period) AS open, CASE WHEN lower(valid_period) < '2026-02-01' THEN lower(valid_period) END AS since,
    parent - CASE m.namespace WHEN 'one' THEN (SELECT min(id) - 1 FROM bulk.memory WHERE namespace = 'one') ELSE 0 END AS parent
  FROM bulk.memory m;
SELECT count(*) FROM both_sides WHERE namespace = 'batch';
SELECT * FROM (
  (SELECT to_jsonb(b) - 'namespace' FROM both_sides b WHERE namespace = 'batch' EXCEPT ALL SELECT to_jsonb(b) - 'namespace' FROM both_sides b WHERE namespace = 'one')
  UNION ALL
  (SELECT to_jsonb(b) - 'namespace' FROM both_sides b WHERE namespace = 'one' EXCEPT ALL SELECT to_jsonb(b) - 'namespace' FROM both_sides b WHERE namespace = 'batch')) d;
CREATE TEMP VIEW pairs AS
  SELECT namespace, 'edge ' || type AS what, source AS a, target AS b FROM bulk.edge
  UNION ALL SELECT namespace, 'conflict ' || reason, a, b FROM bulk.conflict;
SELECT what, count(*) FROM pairs WHERE namespace = 'batch' GROUP BY 1 ORDER BY 1;
SELECT count(*) AS different FROM (SELECT what, a, b FROM pairs WHERE namespace = 'batch'
  EXCEPT ALL SELECT what, a - :shift, b - :shift FROM pairs WHERE namespace = 'one') d;
-- Each word is found by the index, in the rows that have it.
SET enable_seqscan = off;
SELECT count(*) AS words, count(*) FILTER (WHERE held <> found) AS wrong FROM (
  SELECT w.namespace, w.word, count(DISTINCT w.id) AS held,
    (SELECT count(*) FROM bulk.memory m WHERE agentmem.memory_keys(m.namespace, m.lexemes, m.tokens) OPERATOR(agentmem.&&~)
       agentmem.lexeme_keys(w.namespace, array_to_tsvector(ARRAY[w.word]))) AS found
  FROM (SELECT m.namespace, m.id, t.lexeme AS word FROM bulk.memory m, unnest(m.lexemes) t) w GROUP BY 1, 2) s;
RESET enable_seqscan;
-- What the call wrote is in its operation.
SELECT count(*) AS missing FROM bulk.memory m JOIN bulk.audit a ON a.namespace = m.namespace AND a.id = m.operation WHERE m.namespace = 'batch' AND m.id <> ALL (a.ids);
-- The one at fault is named, or skipped: here by a rule of the owner's that only the table knows.
ALTER TABLE bulk.memory ADD CONSTRAINT no_seven CHECK (content <> 'seven');
DO $$
DECLARE
  context text;
BEGIN
  PERFORM agentmem.remember_many('bulk', 'fault', (SELECT jsonb_agg(jsonb_build_object('content', c)) FROM unnest('{five,six,seven,eight}'::text[]) c));
EXCEPTION WHEN check_violation THEN
  GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
  RAISE WARNING '%: %', SQLERRM, substring(context FROM 'memory \d+ of \d+ in the batch');
END
$$;
SELECT ordinal, action, error FROM agentmem.remember_many('bulk', 'fault', (SELECT jsonb_agg(jsonb_build_object('content', c, 'kind', 'episode')) FROM unnest('{five,six,seven,eight}'::text[]) c),
  on_error => 'skip');
SELECT s.content, t.content FROM bulk.edge e JOIN bulk.memory s ON s.id = e.source JOIN bulk.memory t ON t.id = e.target WHERE e.namespace = 'fault' ORDER BY 1;
SELECT content FROM agentmem.recall('bulk', 'fault', 'eight');
-- A trigger of the owner's sees those that came before.
CREATE FUNCTION bulk.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.title := (SELECT count(*) FROM agentmem.recall(TG_TABLE_SCHEMA, NEW.namespace, 'lamp')) || ' before';
  RETURN NEW;
END
$$;
CREATE TRIGGER look BEFORE INSERT ON bulk.memory FOR EACH ROW EXECUTE FUNCTION bulk.look();
SELECT count(*) FROM agentmem.remember_many('bulk', 'look', (SELECT jsonb_agg(jsonb_build_object('content', 'lamp ' || i)) FROM generate_series(1, 4) i));
SELECT content, title FROM bulk.memory WHERE namespace = 'look' ORDER BY id;
DROP FUNCTION bulk.look() CASCADE;
SELECT agentmem.drop_store('bulk', cascade => true);
-- Partitioned.
SELECT agentmem.create_store('bulk', dimensions => 3, partitions => 3);
SELECT count(*) FROM agentmem.remember_many('bulk', 'p', (SELECT jsonb_agg(pg_temp.element(i) - 'parent' ORDER BY i) FROM generate_series(0, 59) i));
SELECT count(*) FROM agentmem.recall('bulk', 'p', 'kettle', k => 100);
SELECT agentmem.drop_store('bulk', cascade => true);
