-- How maintenance stands, for whom, and that looking runs nothing of a store's owner (src/worker/README.md, "The view").
SET client_min_messages = warning;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
CREATE ROLE agm_keeper;
CREATE ROLE agm_looker;
SELECT current_database() AS db \gset
GRANT CREATE ON DATABASE :"db" TO agm_keeper;
SET ROLE agm_keeper;
SELECT agentmem.create_store('plain');
SELECT agentmem.create_store('parted', partitions => 2);
SELECT count(*) FROM unnest('{a,b,c}'::text[]) n, agentmem.remember('plain', n, 'a thing to remember') p, agentmem.remember('parted', n, 'a thing to remember') q;
CREATE VIEW plain.status AS SELECT store, last_run IS NOT NULL AS ran, duration, due, backlog, jobs, oldest_job IS NOT NULL AS waits, dead_jobs, worker, failures, next_try, last_error FROM agentmem.maintenance_status;
TABLE plain.status;

-- Maintained by hand; by hand what is under way, and jobs.
SELECT DISTINCT namespace FROM agentmem.maintain('plain', 'a');
SELECT DISTINCT namespace FROM agentmem.maintain('parted', 'a');
UPDATE plain.namespace SET steps = '{"sweep": {"after": 1}, "expire": {}}' WHERE namespace = 'b';
SELECT count(*) FROM agentmem.enqueue_job('plain', 'a', 'extract', '{1}', attempts => 1) a, agentmem.enqueue_job('plain', 'b', 'extract', '{2}') b;
SELECT count(*) FROM agentmem.claim_jobs('plain', lease => '1 us');
SELECT pg_sleep(0.01);
SELECT count(*) FROM agentmem.claim_jobs('plain', n => 2);
TABLE plain.status;
-- Another interval; one that is none counts as the default.
INSERT INTO plain.setting VALUES ('maintain_interval', '0');
SELECT store, due FROM agentmem.maintenance_status;
UPDATE plain.setting SET value = 'now and then' WHERE name = 'maintain_interval';
SELECT store, due FROM agentmem.maintenance_status;

-- Who may not read the store does not see it; who may not read a table does not see its numbers.
SET ROLE agm_looker;
SELECT store, due, jobs FROM agentmem.maintenance_status;
TABLE agentmem.maintenance_run;
SELECT agentmem.start_worker();
SELECT agentmem.stop_worker();
SET ROLE agm_keeper;
GRANT USAGE ON SCHEMA plain TO agm_looker;
GRANT SELECT ON plain.memory, plain.setting TO agm_looker;
SET ROLE agm_looker;
SELECT store, due, backlog, jobs FROM agentmem.maintenance_status;
SET ROLE agm_keeper;
GRANT SELECT ON plain.namespace TO agm_looker;
SET ROLE agm_looker;
SELECT store, due, backlog, jobs FROM agentmem.maintenance_status;

-- What workers wrote, errors too, is for who sees the whole store.
RESET ROLE;
INSERT INTO agentmem.maintenance_run VALUES ('plain', '2030-01-01', '1 s', 1, 2, '2030-01-01', 'namespace "b": something', '2030-01-01'), ('elsewhere', NULL, NULL, 0, 1, NULL, 'not yours', NULL);
SET ROLE agm_looker;
CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END$$;
SET client_min_messages = notice;
SELECT store, last_run, duration, failures, next_try, last_error, last_error_at FROM agentmem.maintenance_status WHERE pg_temp.leak(last_error);
SET client_min_messages = warning;
SET ROLE agm_keeper;
SELECT agentmem.enable_row_security('plain');
SELECT store, due, backlog, jobs, last_run IS NOT NULL AS ran, duration, failures, last_error FROM agentmem.maintenance_status;
SELECT agentmem.disable_row_security('plain');

-- Traps: a view, a policy, a cast, a foreign partition where a table is expected.
CREATE FUNCTION plain.trap() RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$BEGIN RAISE 'trapped'; END$$;
ALTER TABLE plain.namespace RENAME TO hidden;
CREATE VIEW plain.namespace AS SELECT 'x'::text AS namespace, plain.trap() AS maintained, '{}'::jsonb AS steps;
SELECT due, backlog, jobs FROM agentmem.maintenance_status WHERE store = 'plain';
DROP VIEW plain.namespace;
CREATE TYPE plain.odd AS (t text);
CREATE FUNCTION plain.odd_time(plain.odd) RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
CREATE CAST (plain.odd AS timestamptz) WITH FUNCTION plain.odd_time(plain.odd) AS IMPLICIT;
CREATE TABLE plain.namespace (maintained plain.odd, steps text);
INSERT INTO plain.namespace VALUES (ROW('x'), 'no jsonb');
SELECT due, backlog, jobs FROM agentmem.maintenance_status WHERE store = 'plain';
DROP TABLE plain.namespace;
CREATE TABLE plain.namespace (maintained timestamptz, steps jsonb);
INSERT INTO plain.namespace VALUES (now(), NULL);
CREATE FUNCTION plain.policy() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped'; END$$;
CREATE POLICY trap ON plain.namespace USING (plain.policy());
ALTER TABLE plain.namespace ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON plain.namespace TO agm_looker;
SET ROLE agm_looker;
SELECT due, backlog, jobs FROM agentmem.maintenance_status WHERE store = 'plain';
RESET ROLE;
SELECT due, backlog, jobs FROM agentmem.maintenance_status WHERE store = 'plain';
-- Settings and columns of an owner who has something else there: no numbers of his store, and no error for who asks of all.
ALTER TABLE plain.namespace DISABLE ROW LEVEL SECURITY;
INSERT INTO plain.setting VALUES ('maintain_interval', '290000 years') ON CONFLICT (name) DO UPDATE SET value = excluded.value;
SELECT store, due, jobs FROM agentmem.maintenance_status ORDER BY 1;
DELETE FROM plain.setting WHERE name = 'maintain_interval';
ALTER TABLE plain.namespace ALTER maintained TYPE text USING 'soon';
SELECT store, due, jobs FROM agentmem.maintenance_status ORDER BY 1;
ALTER TABLE plain.namespace ALTER maintained TYPE timestamptz USING now(), ALTER steps TYPE text USING repeat('[', 200000);
SELECT store, due, backlog FROM agentmem.maintenance_status WHERE store = 'plain';
-- Times are the same however the session writes them.
SELECT to_char(max(maintained) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' AS newest FROM plain.namespace \gset
SET timezone = 'Asia/Kolkata';
SET datestyle = 'Postgres';
SELECT maintained = :'newest'::timestamptz AS same FROM agentmem.list_maintenance() WHERE store = 'plain';
RESET timezone;
RESET datestyle;
-- Nobody locks what he may not read.
CREATE TABLE public.mine (a int);
REVOKE ALL ON public.mine FROM PUBLIC;
SET ROLE agm_looker;
BEGIN;
SELECT * FROM agentmem.plain_rows('public.mine'::regclass, '{a}');
SELECT count(*) AS locks FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'public.mine'::regclass;
ROLLBACK;
RESET ROLE;
DROP TABLE public.mine;
ALTER TABLE plain.namespace ENABLE ROW LEVEL SECURITY;

CREATE FOREIGN DATA WRAPPER agm_nothing;
CREATE SERVER agm_nowhere FOREIGN DATA WRAPPER agm_nothing;
CREATE FOREIGN TABLE plain.far () INHERITS (plain.namespace) SERVER agm_nowhere;
SELECT due, backlog, jobs FROM agentmem.maintenance_status WHERE store = 'plain';
DROP FOREIGN DATA WRAPPER agm_nothing CASCADE;
-- No table at all.
DROP TABLE plain.namespace, plain.job CASCADE;
SELECT due, backlog, jobs, dead_jobs FROM agentmem.maintenance_status WHERE store = 'plain';

-- Settings of workers are not for sessions.
SET agentmem.max_workers = 3;
SET agentmem.worker_role = 'postgres';
SELECT name, setting, unit, context, min_val, max_val FROM pg_settings WHERE name LIKE 'agentmem.%worker%' ORDER BY name COLLATE "C";

DELETE FROM agentmem.maintenance_run;
SELECT agentmem.drop_store('plain', true), agentmem.drop_store('parted', true);
DROP OWNED BY agm_keeper, agm_looker CASCADE;
DROP ROLE agm_keeper, agm_looker;
