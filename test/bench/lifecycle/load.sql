-- 300 days of an agent and 30 more, planned: memories by day, topics, and what is asked each day. Nothing here depends on what is
-- remembered or forgotten, and all of it is the same each time (life.random, setseed).
SET search_path = pg_catalog, agentmem;
SET max_parallel_workers_per_gather = 0;
SET jit = off;

-- Some number from 0 to 1, the same for the same arguments.
CREATE FUNCTION life.random(what text, i bigint, j bigint DEFAULT 0) RETURNS float8 LANGUAGE sql IMMUTABLE AS
	$$SELECT ((hashtextextended(what || ':' || i || ':' || j, 7) & 9007199254740991)::float8 / 9007199254740992)$$;

-- Vectors by number: 200 topics in any direction, and around each what is said of it, at a cosine of .6 to one another, as the nearest
-- of real sentences are.
SELECT setseed(0.7) AS seed;
CREATE TABLE life.center AS
	SELECT t AS topic, (SELECT array_agg(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) / sqrt(384)) FROM generate_series(1, 384) WHERE t > 0) AS v FROM generate_series(1, 200) t;
CREATE TABLE life.point AS
	SELECT p.id, c.topic, l2_normalize((SELECT array_agg(v + 0.82 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) / sqrt(384)) FROM unnest(c.v) v WHERE p.id >= 0)::real[]::vector) AS embedding
	FROM generate_series(0, 30999) p(id) JOIN life.center c ON c.topic = 1 + floor(200 * life.random('topic', p.id));
-- 20,000 memories; the others ask.
CREATE TABLE life.memory AS SELECT id + 1 AS id, id * 300 / 20000 AS day, topic, embedding FROM life.point WHERE id < 20000;
CREATE TABLE life.question AS SELECT id, topic, embedding FROM life.point WHERE id >= 20000;
CREATE INDEX ON life.question (topic);
ALTER TABLE life.question ADD PRIMARY KEY (id);
ALTER TABLE life.memory ADD PRIMARY KEY (id);
CREATE INDEX ON life.memory (day);

-- How much a topic is asked for: Zipf, s = 1.1. Each week a twentieth of them change places.
CREATE TABLE life.place (week int, topic int, place int, upto float8);
CREATE PROCEDURE life.plan_weeks() LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO life.place SELECT 0, topic, row_number() OVER (ORDER BY life.random('place', topic)) FROM (SELECT DISTINCT topic FROM life.question) t;
	FOR w IN 1 .. 47 LOOP
		INSERT INTO life.place
		SELECT w, p.topic, coalesce(n.place, p.place) FROM life.place p
		LEFT JOIN (
			SELECT a.topic, b.place FROM (SELECT topic, row_number() OVER (ORDER BY life.random('moves to', topic, w)) AS i FROM life.place WHERE week = w - 1 AND life.random('moves', topic, w) < 0.05) a
			JOIN (SELECT place, row_number() OVER (ORDER BY life.random('moves from', topic, w)) AS i FROM life.place WHERE week = w - 1 AND life.random('moves', topic, w) < 0.05) b USING (i)) n USING (topic)
		WHERE p.week = w - 1;
	END LOOP;
	UPDATE life.place p SET upto = s.upto
	FROM (SELECT week, topic, sum(place ^ -1.1) OVER (PARTITION BY week ORDER BY place) / sum(place ^ -1.1) OVER (PARTITION BY week) AS upto FROM life.place) s
	WHERE s.week = p.week AND s.topic = p.topic;
END $$;
CALL life.plan_weeks();
CREATE INDEX ON life.place (week, upto);
-- 50 questions a day, any of the topic's.
CREATE TABLE life.ask AS
	SELECT d AS day, n, t.topic, (SELECT q.id FROM life.question q WHERE q.topic = t.topic ORDER BY life.random('question', q.id, d * 100 + n) LIMIT 1) AS question
	FROM generate_series(0, 329) d, generate_series(1, 50) n
	CROSS JOIN LATERAL (SELECT p.topic FROM life.place p WHERE p.week = d / 7 AND p.upto >= life.random('ask', d, n) ORDER BY p.upto LIMIT 1) t;
CREATE INDEX ON life.ask (day);
ANALYZE;
SELECT (SELECT count(*) FROM life.memory) AS memories, (SELECT count(DISTINCT topic) FROM life.question) AS topics, (SELECT count(*) FROM life.question) AS questions,
	(SELECT count(DISTINCT topic) FROM life.ask) AS asked, (SELECT max(n) FROM (SELECT count(*) AS n FROM life.ask GROUP BY topic) x) AS most;
