-- What memories that maintenance makes do to recall of the turns themselves: reflections, then edges, then summaries of communities. Each line is
-- after what the lines above it made. "stands for": what was made counts as the turns that it was made of.
\set ON_ERROR_STOP on
SET search_path = bench;
\pset border 2
CREATE TEMP TABLE scored (ord serial, what text, made bigint, of bigint, r5 numeric, r10 numeric, r50 numeric, mrr10 numeric, multi_hop numeric, stands_for numeric);

-- Maintains all conversations n days on, until nothing is left, and asks all questions.
CREATE PROCEDURE score(what text, days int, kind text, types text[]) LANGUAGE plpgsql AS $$
DECLARE
  again boolean := true;
BEGIN
  WHILE again LOOP
    SELECT coalesce(bool_or(n.s > 0), false) INTO again FROM (
      SELECT sum(m.changed) FILTER (WHERE m.step IN ('links', 'concepts', 'promotion', 'communities')) AS s
      FROM (SELECT DISTINCT conversation_id FROM bench.question) c, LATERAL agentmem.maintain('locomo', c.conversation_id, budget => '10 min', at => date_trunc('day', now()) + days * interval '1 day') m GROUP BY c.conversation_id) n;
    COMMIT;
  END LOOP;
  INSERT INTO scored (what, made, of, r5, r10, r50, mrr10, multi_hop, stands_for)
  WITH member AS MATERIALIZED (
    SELECT e.namespace, e.source AS id, k.key::bigint AS turn_id FROM locomo.edge e JOIN locomo.memory s ON s.namespace = e.namespace AND s.id = e.source AND s.source = 'maintain'
    JOIN locomo.memory k ON k.namespace = e.namespace AND k.id = e.target WHERE e.type IN ('derived_from', 'summary_of')),
  asked AS MATERIALIZED (
    SELECT q.question_id, q.category, q.evidence_turn_ids AS evidence, r.id, r.rank, CASE WHEN k.source IS DISTINCT FROM 'maintain' THEN k.key::bigint END AS turn_id, q.conversation_id
    FROM question q JOIN question_embedding e USING (question_id)
    JOIN LATERAL agentmem.recall('locomo', q.conversation_id, q.question, e.embedding, k => 50) WITH ORDINALITY
      AS r(id, namespace, kind, content, score, tokens, valid_period, confidence, attributes, source, channels, rank) ON true
    JOIN locomo.memory k ON k.namespace = q.conversation_id AND k.id = r.id
    WHERE q.category BETWEEN 1 AND 4 AND cardinality(q.evidence_turn_ids) > 0),
  asked_for AS (
    SELECT a.question_id, a.category, cardinality(a.evidence) AS n,
      count(*) FILTER (WHERE a.rank <= 5 AND a.turn_id = ANY (a.evidence))::float AS r5, count(*) FILTER (WHERE a.rank <= 10 AND a.turn_id = ANY (a.evidence))::float AS r10,
      count(*) FILTER (WHERE a.turn_id = ANY (a.evidence))::float AS r50, coalesce(1.0 / min(a.rank) FILTER (WHERE a.rank <= 10 AND a.turn_id = ANY (a.evidence)), 0) AS mrr10
    FROM asked a GROUP BY a.question_id, a.category, a.evidence),
  stands AS (
    SELECT t.question_id, count(DISTINCT t.turn_id) AS n
    FROM (SELECT a.question_id, a.evidence, coalesce(a.turn_id, m.turn_id) AS turn_id FROM asked a LEFT JOIN member m ON m.namespace = a.conversation_id AND m.id = a.id WHERE a.rank <= 10) t
    WHERE t.turn_id = ANY (t.evidence) GROUP BY t.question_id),
  result AS (
    SELECT a.category, a.r5 / a.n AS r5, a.r10 / a.n AS r10, a.r50 / a.n AS r50, a.mrr10, coalesce(s.n, 0)::float / a.n AS stands_for FROM asked_for a LEFT JOIN stands s USING (question_id))
  SELECT score.what, (SELECT count(*) FROM locomo.memory m WHERE m.source = 'maintain' AND m.kind = score.kind), (SELECT count(*) FROM locomo.edge e WHERE e.type = ANY (types)),
    round(avg(q.r5)::numeric, 3), round(avg(q.r10)::numeric, 3), round(avg(q.r50)::numeric, 3), round(avg(q.mrr10)::numeric, 3), round(avg(q.r10) FILTER (WHERE q.category = 1)::numeric, 3), round(avg(q.stands_for)::numeric, 3)
  FROM result q;
END $$;
UPDATE locomo.kind SET half_life = NULL;
CALL score('as it is', 0, 'reflection', '{derived_from}');
INSERT INTO locomo.setting VALUES ('promotion', '2');
CALL score('promotion 2, threshold .8', 2, 'reflection', '{derived_from}');
-- What there is of it by now is looked at anew, by the other threshold.
UPDATE locomo.namespace SET steps = steps - 'promotion';
INSERT INTO locomo.setting VALUES ('promotion_threshold', '0.7');
CALL score('promotion 2, threshold .7', 4, 'reflection', '{derived_from}');
DELETE FROM locomo.setting WHERE name LIKE 'promotion%';
SELECT count(agentmem.forget('locomo', m.namespace, m.id)) AS forgotten FROM locomo.memory m WHERE m.kind = 'reflection';
INSERT INTO locomo.setting VALUES ('similar', '5'), ('concepts', '8');
CALL score('without reflections; similar 5, concepts 8', 6, 'summary', '{summary_of}');
INSERT INTO locomo.setting VALUES ('communities', '4');
CALL score('communities 4', 8, 'summary', '{summary_of}');
SELECT what, made, of, r5 AS "r@5", r10 AS "r@10", r50 AS "r@50", mrr10 AS "MRR@10", multi_hop AS "r@10 multi-hop", stands_for AS "r@10, stands for" FROM scored ORDER BY ord;
DROP PROCEDURE score(text, int, text, text[]);
