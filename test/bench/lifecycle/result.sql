-- The rows of docs/benchmarks/lifecycle.csv, and how strong what is used is beside what is not. :kinds as in bench.sh.
SET search_path = pg_catalog, agentmem;
COPY (SELECT day, round(kept_bytes::numeric / bare_bytes, 3) AS bytes, memories, active, warm, cold, archived, forgotten, questions,
		round(kept_recall::numeric, 4) AS maintained, round(bare_recall::numeric, 4) AS unmaintained, round(same::numeric, 4) AS same
	FROM life.figure ORDER BY day) TO STDOUT (FORMAT csv, HEADER);

-- Of all memories there ever were, those that were forgotten too: their counters stay. Used: returned at least once.
WITH s AS (
	SELECT coalesce(a.accesses, 0) AS accesses, extract(epoch FROM strength(k.half_life, coalesce(a.accesses, 0), 0, coalesce(a.confirmations, 0), k.confidence_high)) / 86400 AS days
	FROM life.memory m JOIN kept.kind k ON k.name = (:'kinds'::text[])[1 + m.id % cardinality(:'kinds'::text[])]
	LEFT JOIN kept.activity a ON a.namespace = 'n' AND a.id = m.id)
SELECT count(*) FILTER (WHERE accesses > 0) AS used, count(*) FILTER (WHERE accesses = 0) AS unused, round(avg(days) FILTER (WHERE accesses > 0), 1) AS used_days,
	round(avg(days) FILTER (WHERE accesses = 0), 1) AS unused_days, round(avg(days) FILTER (WHERE accesses > 0) / avg(days) FILTER (WHERE accesses = 0), 2) AS discrimination
FROM s;
