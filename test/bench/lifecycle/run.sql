-- Lives through the days of load.sql in two stores, of which one is maintained. :kinds are the kinds of the memories, in turn.
SET search_path = pg_catalog, agentmem;
SET client_min_messages = warning;
SET agentmem.access_log = off; -- what is recalled is logged below, on the day of the simulation

SELECT create_store('kept', dimensions => 384), create_store('bare', dimensions => 384);
CREATE TABLE life.figure (day int, kept_bytes bigint, bare_bytes bigint, memories bigint, active bigint, warm bigint, cold bigint, archived bigint, forgotten bigint,
	questions bigint, kept_recall float8, bare_recall float8, same float8);
-- Day 0 was 400 days ago, so that all days are over.
CREATE FUNCTION life.at(day float8) RETURNS timestamptz LANGUAGE sql STABLE AS $$SELECT date_trunc('day', now()) - interval '400 days' + day * interval '1 day'$$;

CREATE PROCEDURE life.remember(d int, kinds text[]) LANGUAGE plpgsql AS $$
DECLARE
	lines jsonb[] := ARRAY(
		SELECT jsonb_build_object('line', 'header', 'format', 1, 'kinds', '[]'::jsonb, 'predicates', '[]'::jsonb)
		UNION ALL
		(SELECT jsonb_build_object('line', 'memory', 'id', m.id, 'known_from', life.at(d), 'precision', 32, 'memory', jsonb_build_object('content', 'memory ' || m.id,
			'kind', kinds[1 + m.id % cardinality(kinds)], 'valid_from', life.at(d), 'embedding', m.embedding::text))
		 FROM life.memory m WHERE m.day = d ORDER BY m.id));
	s text;
BEGIN
	FOREACH s IN ARRAY '{kept,bare}'::text[] LOOP
		PERFORM agentmem.import(s, 'n', lines);
	END LOOP;
END $$;

-- What is asked: what the maintained store returns is used. With feedback, the agent says of the first of the ten that it helped.
CREATE PROCEDURE life.use(d int, feedback boolean) LANGUAGE plpgsql AS $$
DECLARE
	returned bigint[];
BEGIN
	FOR returned IN SELECT array_agg(r.id ORDER BY r.score DESC, r.id) FROM life.ask a JOIN life.question q ON q.id = a.question
			CROSS JOIN LATERAL agentmem.recall('kept', 'n', embedding => q.embedding, k => 10) r WHERE a.day = d GROUP BY a.n LOOP
		INSERT INTO kept.access (namespace, id, at, accesses) SELECT 'n', i, life.at(d + 0.5), 1 FROM unnest(returned) i;
		IF feedback THEN
			PERFORM agentmem.feedback('kept', 'n', returned[1], true);
		END IF;
	END LOOP;
END $$;

-- What will be asked in the 30 days from d: share of the topic's memories among the ten first, of ten at most; and of what the bare store
-- returns, what the other does.
CREATE PROCEDURE life.measure(d int, every int) LANGUAGE sql AS $$
	INSERT INTO life.figure
	WITH held AS (SELECT topic, count(*) AS n FROM life.memory WHERE day < d GROUP BY 1),
	asked AS (SELECT q.id, q.topic, q.embedding, least(h.n, 10) AS most FROM life.ask a JOIN life.question q ON q.id = a.question JOIN held h ON h.topic = q.topic
		WHERE a.day BETWEEN d AND d + 29 AND a.n % every = 0),
	found AS (
		SELECT a.most, (SELECT array_agg(r.id) FROM agentmem.recall('kept', 'n', embedding => a.embedding, k => 10) r) AS kept,
			(SELECT array_agg(r.id) FROM agentmem.recall('bare', 'n', embedding => a.embedding, k => 10) r) AS bare, a.topic FROM asked a),
	scored AS (SELECT (SELECT count(*) FROM life.memory m WHERE m.topic = f.topic AND m.id = ANY (f.kept))::float8 / f.most AS kept,
			(SELECT count(*) FROM life.memory m WHERE m.topic = f.topic AND m.id = ANY (f.bare))::float8 / f.most AS bare,
			(SELECT count(*) FROM unnest(f.kept) i WHERE i = ANY (f.bare))::float8 / cardinality(f.bare) AS same FROM found f),
	states AS (SELECT coalesce(a.state, 'active') AS state, m.id FROM kept.memory m LEFT JOIN kept.activity a ON a.namespace = m.namespace AND a.id = m.id)
	SELECT d, (SELECT coalesce(sum(pg_column_size(embedding)), 0) FROM kept.memory) + (SELECT coalesce(sum(pg_column_size(embedding)), 0) FROM kept.memory_history),
		(SELECT sum(pg_column_size(embedding)) FROM bare.memory), (SELECT count(*) FROM bare.memory),
		(SELECT count(*) FROM states WHERE state = 'active'), (SELECT count(*) FROM states WHERE state = 'warm'), (SELECT count(*) FROM states WHERE state = 'cold'),
		(SELECT count(*) FROM states WHERE state = 'archived'), (SELECT count(*) FROM bare.memory) - (SELECT count(*) FROM kept.memory),
		count(*), avg(kept), avg(bare), avg(same) FROM scored
$$;

CREATE PROCEDURE life.live(first int, last int, kinds text[], feedback boolean) LANGUAGE plpgsql AS $$
BEGIN
	FOR d IN first .. last LOOP
		CALL life.remember(d, kinds);
		COMMIT;
		CALL life.use(d, feedback);
		COMMIT;
		PERFORM FROM agentmem.maintain('kept', 'n', at => life.at(d + 1));
		COMMIT;
	END LOOP;
END $$;
