-- One namespace of 20,000 memories, each of which has had 10 earlier versions in ten months: 200,000
-- versions, written to the history as the trigger does, in the order in which they ended. Texts and
-- embeddings are those of recall/load.sql; an earlier version has one more word and a vector near by.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT setseed(0.5);
SELECT agentmem.drop_store('past', cascade => true) FROM agentmem.stores WHERE store = 'past';
SELECT agentmem.create_store('past', dimensions => 384);

-- Indexes are made when the rows are there.
CREATE TEMP TABLE made AS
SELECT format('%I.%I', schemaname, indexname) AS name, indexdef FROM pg_indexes
WHERE schemaname = 'past' AND indexname ~ '^memory_history_.*_idx$';
SELECT format('DROP INDEX %s', name) FROM made \gexec
ALTER TABLE past.memory DISABLE TRIGGER memory_versioning;

SELECT count(*) FROM (SELECT jsonb_agg(jsonb_build_object('content', 'n' || n || ' ' || content, 'kind', 'fact', 'valid_from', '2025-01-01') ORDER BY n) AS m,
                             array_agg(embedding ORDER BY n) AS e
                      FROM bench.passage) p, agentmem.remember_many('past', 'large', p.m, p.e);
CREATE TEMP TABLE change AS
SELECT id, v, at, lead(at) OVER (PARTITION BY id ORDER BY at) AS until
FROM (SELECT id, v, CASE WHEN v = 0 THEN '2026-01-01'::timestamptz ELSE '2026-01-01'::timestamptz + random() * interval '300 days' END AS at
      FROM past.memory, generate_series(0, 10) v) c;
UPDATE past.memory m SET system_period = tstzrange(c.at, NULL) FROM change c WHERE c.id = m.id AND c.until IS NULL;
VACUUM FULL past.memory;
INSERT INTO past.memory_history (namespace, id, kind, valid_period, tokens, embedding, lexemes, content, system_period, confidence, provenance, pinned, language, content_hash)
SELECT m.namespace, m.id, m.kind, m.valid_period, m.tokens + 1,
       agentmem.l2_normalize(m.embedding OPERATOR(agentmem.+) (o.embedding OPERATOR(agentmem.*) array_fill(0.3::real, ARRAY[384])::agentmem.vector)),
       agentmem.lexemes('english', c.v || ' ' || m.content), c.v || ' ' || m.content, tstzrange(c.at, c.until), m.confidence, m.provenance, m.pinned, m.language, m.content_hash
FROM change c JOIN past.memory m ON m.id = c.id JOIN past.memory o ON o.id = 1 + (m.id * 31 + c.v * 7919) % 20000
WHERE c.until IS NOT NULL
ORDER BY c.until;
SELECT indexdef FROM made \gexec
ALTER TABLE past.memory ENABLE TRIGGER memory_versioning;
VACUUM ANALYZE past.memory, past.memory_history;
-- What every store has that is looked after: estimates of a namespace's size.
CALL agentmem.maintain_all('past', '1 hour');
VACUUM ANALYZE past.memory, past.activity;
SELECT count(*) AS memories FROM past.memory;
SELECT count(*) AS versions FROM past.memory_history;
