-- What a search reads: rows of the table, and pages.
SET search_path = public, agentmem;
SET jit = off;
SELECT setseed(0.3);

CREATE TABLE ivfbq_visits (id int, a int, b int, v vector(64));
ALTER TABLE ivfbq_visits SET (autovacuum_enabled = off);
INSERT INTO ivfbq_visits SELECT i, i % 10, i / 10 % 10,
		(SELECT array_agg(random() - 0.5) FROM generate_series(1, 64) WHERE i > 0)::vector
	FROM generate_series(1, 4000) i;
INSERT INTO ivfbq_visits SELECT 4000 + i, i % 10, 3, NULL FROM generate_series(1, 10) i;
CREATE INDEX ivfbq_visits_all ON ivfbq_visits USING ivfbq (v vector_cosine_ops);
CREATE INDEX ivfbq_visits_keys ON ivfbq_visits USING ivfbq (a, b, v vector_l2_ops);
VACUUM ANALYZE ivfbq_visits;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;

-- Rows found; rows of the table that were read in vain; pages of all kinds.
CREATE FUNCTION pg_temp.visits(query text, OUT rows int, OUT in_vain int, OUT pages int) LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
	scan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
	scan := plan -> 0 -> 'Plan';
	WHILE scan ->> 'Node Type' <> 'Index Scan' LOOP
		scan := scan #> '{Plans,0}';
	END LOOP;
	rows := (scan ->> 'Actual Rows')::float8;
	in_vain := coalesce((scan ->> 'Rows Removed by Index Recheck')::int, 0);
	pages := (scan ->> 'Shared Hit Blocks')::int + (scan ->> 'Shared Read Blocks')::int;
END $$;
-- The vector of row 17, as a constant.
SELECT v AS q FROM ivfbq_visits WHERE id = 17 \gset

-- The nearest of all: each page of codes once, the rows that may be among them, and the table's ten.
SELECT rows, in_vain, pages < 400 AS few_pages
	FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits ORDER BY v <=> %L LIMIT 10', :'q'));

-- A range around the query ends the scan: what is beyond is not read.
SELECT rows, in_vain < 10 AS few_in_vain
	FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE v <<=>> sphere(%L::vector, 0.6) ORDER BY v <=> %1$L', :'q'));
SELECT rows, in_vain < 10 AS few_in_vain
	FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE v <<=>> sphere(%L::vector, 0.6)', :'q'));
-- Around something else: all is read, and the answer is the same.
SELECT rows, in_vain < 10 AS few_in_vain
	FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE v <<=>> sphere(%L::vector, 0.6) ORDER BY v <=> (%1$L::vector + %1$L::vector)', :'q'));
-- A radius that is NaN has no rows.
SELECT * FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE v <<=>> sphere(%L::vector, ''nan'') ORDER BY v <=> %1$L', :'q'));
SELECT * FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE v <<=>> sphere(%L::vector, ''nan'')', :'q'));

-- Some of the key columns: other keys' rows are not read from the table.
SELECT rows, in_vain FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE b = 3 ORDER BY v <-> %L', :'q'));
SELECT rows, in_vain FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE a = 3 ORDER BY v <-> %L', :'q'));
SELECT rows, in_vain FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE a IN (3, 5, 77) ORDER BY v <-> %L', :'q'));
SELECT rows, in_vain FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE b IN (3, 5) AND a IN (1, 2) ORDER BY v <-> %L', :'q'));
SELECT rows, in_vain FROM pg_temp.visits(format('SELECT id FROM ivfbq_visits WHERE a = 12 ORDER BY v <-> %L', :'q'));

DROP TABLE ivfbq_visits;
