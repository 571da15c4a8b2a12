-- recall@k (mean share of a question's evidence among the first k) and MRR@10,
-- categories 1 to 4 with evidence, each question within its own conversation.
\set ON_ERROR_STOP on
SET search_path = bench;
\pset border 2

CREATE TEMP TABLE method (name text, ord int, lexical boolean, semantic boolean, fusion text, weights jsonb);
INSERT INTO method VALUES
  ('lexical alone', 1, true, false, 'score', '{"graph": 0, "temporal": 0, "entity": 0}'),
  ('semantic alone', 2, false, true, 'score', '{"graph": 0, "temporal": 0, "entity": 0}'),
  ('these two, rrf', 3, true, true, 'rrf', '{"graph": 0, "temporal": 0, "entity": 0}'),
  ('these two', 4, true, true, 'score', '{"graph": 0, "temporal": 0, "entity": 0}'),
  ('all channels', 7, true, true, 'score', NULL),
  ('all, rrf', 8, true, true, 'rrf', NULL),
  ('without semantic', 9, true, false, 'score', NULL),
  ('without lexical', 10, true, true, 'score', '{"lexical": 0}'),
  ('without graph', 11, true, true, 'score', '{"graph": 0}'),
  ('without temporal', 12, true, true, 'score', '{"temporal": 0}'),
  ('without entity', 13, true, true, 'score', '{"entity": 0}');

CREATE TEMP TABLE answer AS
SELECT m.name, m.ord, q.question_id, q.category, q.evidence_turn_ids AS evidence, r.turn_id, r.rank
FROM method m
CROSS JOIN question q JOIN question_embedding e USING (question_id)
LEFT JOIN LATERAL (
  SELECT r.id, k.key::bigint AS turn_id, r.rank
  FROM agentmem.recall('locomo', q.conversation_id,
                       query => CASE WHEN m.lexical THEN q.question END,
                       embedding => CASE WHEN m.semantic THEN e.embedding END,
                       k => 50, fusion => m.fusion, weights => m.weights)
       WITH ORDINALITY AS r(id, namespace, kind, content, score, tokens, valid_period, confidence, attributes, source, channels, rank)
  JOIN locomo.memory k ON k.namespace = q.conversation_id AND k.id = r.id) r ON true
WHERE q.category BETWEEN 1 AND 4 AND cardinality(q.evidence_turn_ids) > 0;

-- The peer: what PostgreSQL ranks by itself, alone and fused by reciprocal rank with the
-- same vectors, over the same texts.
CREATE TEMP TABLE byhand AS
SELECT namespace, key::bigint AS turn_id, embedding, to_tsvector('pg_catalog.english', content) AS words FROM locomo.memory;
CREATE INDEX ON byhand (namespace);
ANALYZE byhand;
CREATE TEMP TABLE byhand_answer AS
WITH asked AS (
  SELECT q.question_id, q.category, q.evidence_turn_ids AS evidence, q.conversation_id, e.embedding,
         replace(plainto_tsquery('pg_catalog.english', q.question)::text, '&', '|')::tsquery AS words
  FROM question q JOIN question_embedding e USING (question_id)
  WHERE q.category BETWEEN 1 AND 4 AND cardinality(q.evidence_turn_ids) > 0)
SELECT a.question_id, a.category, a.evidence, h.*
FROM asked a, LATERAL (
  SELECT turn_id, min(w) AS w, min(s) AS s
  FROM ((SELECT turn_id, row_number() OVER (ORDER BY ts_rank(b.words, a.words) DESC, turn_id) AS w, NULL::bigint AS s
         FROM byhand b WHERE b.namespace = a.conversation_id AND b.words @@ a.words ORDER BY w LIMIT 100)
        UNION ALL
        (SELECT turn_id, NULL, row_number() OVER (ORDER BY b.embedding OPERATOR(agentmem.<=>) a.embedding) AS s
         FROM byhand b WHERE b.namespace = a.conversation_id ORDER BY s LIMIT 100)) c
  GROUP BY turn_id) h;
INSERT INTO answer
SELECT 'by hand: ts_rank', 5, question_id, category, evidence, turn_id, w FROM byhand_answer WHERE w <= 50
UNION ALL
SELECT 'by hand: ts_rank and cosine, rrf', 6, question_id, category, evidence, turn_id, r
FROM (SELECT *, row_number() OVER (PARTITION BY question_id ORDER BY coalesce(1.0 / (60 + w), 0) + coalesce(1.0 / (60 + s), 0) DESC, turn_id) AS r
      FROM byhand_answer) f WHERE r <= 50;
-- A question whose words match nothing still counts.
INSERT INTO answer SELECT DISTINCT 'by hand: ts_rank', 5, question_id, category, evidence, NULL::bigint, NULL::bigint FROM byhand_answer;

WITH scored AS (
  SELECT name, ord, category, question_id,
         count(*) FILTER (WHERE rank <= 5 AND turn_id = ANY (evidence))::float / cardinality(evidence) AS r5,
         count(*) FILTER (WHERE rank <= 10 AND turn_id = ANY (evidence))::float / cardinality(evidence) AS r10,
         count(*) FILTER (WHERE rank <= 20 AND turn_id = ANY (evidence))::float / cardinality(evidence) AS r20,
         count(*) FILTER (WHERE rank <= 50 AND turn_id = ANY (evidence))::float / cardinality(evidence) AS r50,
         coalesce(1.0 / min(rank) FILTER (WHERE rank <= 10 AND turn_id = ANY (evidence)), 0) AS rr
  FROM answer GROUP BY name, ord, category, question_id, evidence)
SELECT name AS method, count(*) AS questions,
       round(avg(r5)::numeric, 3) AS "r@5", round(avg(r10)::numeric, 3) AS "r@10", round(avg(r20)::numeric, 3) AS "r@20",
       round(avg(r50)::numeric, 3) AS "r@50", round(avg(rr)::numeric, 3) AS "MRR@10",
       round(avg(r10) FILTER (WHERE category = 1)::numeric, 3) AS "r@10 multi-hop",
       round(avg(r10) FILTER (WHERE category = 2)::numeric, 3) AS "temporal",
       round(avg(r10) FILTER (WHERE category = 3)::numeric, 3) AS "open-domain",
       round(avg(r10) FILTER (WHERE category = 4)::numeric, 3) AS "single-hop"
FROM scored GROUP BY name, ord ORDER BY ord;
