-- Weights fitted on four conversations and scored on the fifth: for each conversation those weights of a grid that have
-- the best recall@10 in the others. What the defaults would have in its place stands beside it.
\set ON_ERROR_STOP on
SET search_path = bench;
\pset border 2

CREATE TEMP TABLE tried AS
SELECT g AS graph, t AS temporal, e AS entity FROM unnest('{1,2,3}'::float[]) g, unnest('{1,2,3}'::float[]) t, unnest('{1,2,3}'::float[]) e;
CREATE TEMP TABLE score AS
SELECT t.*, q.conversation_id, q.question_id, q.category, r.r10, r.r50
FROM tried t CROSS JOIN question q JOIN question_embedding e USING (question_id),
LATERAL (
  SELECT count(*) FILTER (WHERE a.rank <= 10)::float / cardinality(q.evidence_turn_ids) AS r10, count(*)::float / cardinality(q.evidence_turn_ids) AS r50
  FROM agentmem.recall('locomo', q.conversation_id, q.question, e.embedding, k => 50,
                       weights => jsonb_build_object('graph', t.graph, 'temporal', t.temporal, 'entity', t.entity))
       WITH ORDINALITY AS a(id, namespace, kind, content, score, tokens, valid_period, confidence, attributes, source, channels, rank)
  JOIN locomo.memory k ON k.namespace = q.conversation_id AND k.id = a.id
  WHERE k.key::bigint = ANY (q.evidence_turn_ids)) r
WHERE q.category BETWEEN 1 AND 4 AND cardinality(q.evidence_turn_ids) > 0;

CREATE TEMP TABLE chosen AS
SELECT DISTINCT ON (c.conversation_id) c.conversation_id, s.graph, s.temporal, s.entity
FROM (SELECT DISTINCT conversation_id FROM question) c,
LATERAL (SELECT graph, temporal, entity, avg(r10) AS r10 FROM score s WHERE s.conversation_id <> c.conversation_id GROUP BY 1, 2, 3) s
ORDER BY c.conversation_id, s.r10 DESC, s.graph, s.temporal, s.entity;
SELECT coalesce(s.conversation_id, 'all') AS held_out, min(c.graph) AS graph, min(c.temporal) AS temporal, min(c.entity) AS entity, count(*) AS questions,
       round(avg(s.r10)::numeric, 3) AS "r@10", round(avg(s.r50)::numeric, 3) AS "r@50",
       round(avg(s.r10) FILTER (WHERE s.category = 1)::numeric, 3) AS "r@10 multi-hop",
       round(avg(d.r10)::numeric, 3) AS "defaults r@10"
FROM score s JOIN chosen c USING (conversation_id, graph, temporal, entity)
JOIN score d ON d.question_id = s.question_id AND d.graph = 2 AND d.temporal = 2 AND d.entity = 2
GROUP BY ROLLUP (s.conversation_id) ORDER BY s.conversation_id;
