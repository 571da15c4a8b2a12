-- Maintenance: steps share the budget of a call, and no statement of theirs grows with what it need not look at (src/consolidate/README.md).
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT agentmem.create_store('share', dimensions => 3);
SET search_path = share, agentmem, public;
INSERT INTO setting VALUES ('history_keep', '1 day');
SELECT id FROM remember('share', 'n', 'one');
SELECT revise('share', 'n', 1, content => 'two');

-- A step that takes all the time there is does not keep those behind it from their turn.
BEGIN;
CREATE OR REPLACE FUNCTION agentmem.plan_links(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int, OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(greatest(extract(epoch FROM deadline - clock_timestamp()), 0) + 0.01); ids := '{}'; plan := '[]'; END $$;
CREATE FUNCTION public.purged(calls int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
BEGIN
  FOR i IN 1 .. calls LOOP
    SELECT m.changed INTO n FROM agentmem.maintain('share', 'n', budget => '500 ms', at => now() + interval '10 days') m WHERE m.step = 'purge';
    EXIT WHEN n > 0;
  END LOOP;
  RETURN n;
END $$;
SELECT public.purged(8) > 0 AS purged;
-- Where these calls have left off depends on how quick the machine is.
UPDATE namespace SET steps = steps - 'next';
SELECT count(*) > 0 AS maintained FROM maintain('share', 'n', budget => '0');
SELECT steps -> 'next' AS next FROM namespace;
ROLLBACK;
-- With time enough all begins with the first step again.
SELECT count(*) > 0 AS maintained FROM maintain('share', 'n');
SELECT steps ? 'next' AS cut_short FROM namespace;

-- What the audit says of one memory is looked up by its id, however much it says of the namespace.
INSERT INTO audit (namespace, id, at, action, ids, role) SELECT 'n', 100000 + i, now(), 'forget', ARRAY[i], 'nobody' FROM generate_series(1, 20000) i;
ANALYZE audit;
CREATE FUNCTION public.audit_rows() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  plan jsonb;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) SELECT count(*) FROM memory m, LATERAL (SELECT FROM audit a WHERE a.namespace = ''n'' AND a.ids OPERATOR(agentmem.&&&) ARRAY[m.id] OFFSET 0) x WHERE m.namespace = ''n'' AND m.id = 1' INTO plan;
  RETURN jsonb_path_query_first(plan, '$.**?(@."Relation Name" == "audit")."Plan Rows"');
END $$;
SELECT public.audit_rows() <= 10 AS few;

-- Pages that a call looks at.
CREATE FUNCTION public.pages(call text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  plan jsonb;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || call INTO plan;
  RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
END $$;
-- Two communities of 200 memories, of which a summary has 100, in tables that nobody has analyzed yet: each edge is read once, not once for each end.
ALTER TABLE memory SET (autovacuum_enabled = off);
ALTER TABLE edge SET (autovacuum_enabled = off);
INSERT INTO setting VALUES ('communities', '3');
INSERT INTO memory (namespace, kind, content) SELECT 'c', 'observation', 'of ' || i / 200 || ', number ' || i FROM generate_series(0, 399) i;
INSERT INTO edge (namespace, source, target, type)
  SELECT 'c', a.id, b.id, 'similar' FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS i FROM memory WHERE namespace = 'c') a
  JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS i FROM memory WHERE namespace = 'c') b ON b.i / 200 = a.i / 200 AND a.i <> b.i AND (a.i - b.i + 400) % 200 IN (1, 3, 7, 20, 50, 90);
SELECT count(*), count(DISTINCT source) FROM edge WHERE namespace = 'c';
CREATE TABLE public.found AS SELECT array_agg(c.node) AS nodes, array_agg(c.community) AS communities, count(DISTINCT c.community) AS n FROM communities(community_edges('share', 'c')) c;
SELECT n FROM public.found;
SELECT jsonb_array_length(g -> 'members') AS members FROM public.found f, jsonb_array_elements(community_groups('share', 'c', now(), f.nodes, f.communities, 3, NULL)) g;
SELECT public.pages('SELECT community_groups(''share'', ''c'', now(), f.nodes, f.communities, 3, NULL) FROM public.found f') AS n \gset
SELECT :n < 5000 AS few;
DROP TABLE public.found;
DROP FUNCTION public.audit_rows(), public.pages(text);
SELECT agentmem.drop_store('share', cascade => true);
