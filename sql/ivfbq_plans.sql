-- When an ivfbq index is chosen: by what it costs, not because the rest is forbidden.
SET search_path = public, agentmem;
SET jit = off;
SELECT setseed(0.1);

CREATE TABLE ivfbq_plans (id int, tenant int, topic text, v vector(16));
-- One tenant of 8,000 rows, one of 5, and the others of 5 or so.
ALTER TABLE ivfbq_plans SET (autovacuum_enabled = off);
INSERT INTO ivfbq_plans
	SELECT i, CASE WHEN i <= 8000 THEN 1 WHEN i <= 8005 THEN 2 ELSE i % 400 + 10 END, 'topic ' || i % 10,
		(SELECT array_agg(random() - 0.5) FROM generate_series(1, 16) WHERE i > 0)::vector
	FROM generate_series(1, 10000) i;
CREATE INDEX ivfbq_plans_index ON ivfbq_plans USING ivfbq (tenant, v vector_cosine_ops);
CREATE INDEX ivfbq_plans_all_index ON ivfbq_plans USING ivfbq (v vector_l2_ops);
CREATE INDEX ivfbq_plans_tenant ON ivfbq_plans (tenant);
VACUUM ANALYZE ivfbq_plans;
PREPARE all_rows(vector) AS SELECT id FROM ivfbq_plans ORDER BY v <-> $1 LIMIT 10;
PREPARE of_tenant(int, vector) AS SELECT id FROM ivfbq_plans WHERE tenant = $1 ORDER BY v <=> $2 LIMIT 10;

-- The whole table, and a tenant of many rows: the nearest ones.
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE tenant = 1 ORDER BY v <=> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE tenant = 1 AND topic = 'topic 3' ORDER BY v <=> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE tenant IN (1, 2) ORDER BY v <=> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
-- No tenant given: an index with the key serves as well.
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans ORDER BY v <=> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
-- A tenant of five rows is read by the btree, and sorted.
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE tenant = 2 ORDER BY v <=> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
-- Equality alone is for a btree.
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE tenant = 2;
-- A range, in order and not.
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE v <<->> sphere('[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]'::vector, 0.5);
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE v <<->> sphere('[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]'::vector, 0.5) ORDER BY v <-> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE tenant = 1 AND v <<=>> sphere('[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]'::vector, 0.5) ORDER BY v <=> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
-- Orders that no index has: another distance, descending, a second column, two distances.
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans ORDER BY v <#> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' DESC LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]', v <-> '[2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2]' LIMIT 10;
-- Each of some rows with its nearest.
EXPLAIN (COSTS OFF) SELECT q.id, n.id FROM (VALUES (1, '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]'::vector), (2, '[2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2]')) q (id, v),
	LATERAL (SELECT id FROM ivfbq_plans p WHERE p.tenant = 1 ORDER BY p.v <=> q.v LIMIT 5) n;
-- Plans for any parameters.
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE all_rows('[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]');
RESET plan_cache_mode;
EXPLAIN (COSTS OFF) EXECUTE of_tenant(1, '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]');
EXPLAIN (COSTS OFF) EXECUTE of_tenant(2, '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]');
DEALLOCATE ALL;

-- Without another index the small tenant is read by this one.
DROP INDEX ivfbq_plans_tenant;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE tenant = 2 ORDER BY v <=> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans WHERE tenant = 2;
DROP TABLE ivfbq_plans;

-- Twenty rows are read one after the other.
CREATE TABLE ivfbq_plans (id int, v vector(3));
INSERT INTO ivfbq_plans SELECT i, ARRAY[i, 1, 2]::vector FROM generate_series(1, 20) i;
CREATE INDEX ivfbq_plans_index ON ivfbq_plans USING ivfbq (v vector_cosine_ops);
VACUUM ANALYZE ivfbq_plans;
EXPLAIN (COSTS OFF) SELECT id FROM ivfbq_plans ORDER BY v <=> '[1,2,3]' LIMIT 5;
DROP TABLE ivfbq_plans;
