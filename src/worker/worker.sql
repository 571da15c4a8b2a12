-- Workers: starting and stopping, and how maintenance stands.
-- Rules: src/worker/README.md.

-- Written by workers as its owner, and read through the view only: errors may name what a reader may not see.
CREATE TABLE agentmem.maintenance_run (
  store name PRIMARY KEY,
  last_run timestamptz,
  duration interval,
  namespaces int NOT NULL DEFAULT 0,
  failures int NOT NULL DEFAULT 0,
  next_try timestamptz,
  last_error text,
  last_error_at timestamptz);
COMMENT ON TABLE agentmem.maintenance_run IS 'How workers fared with each store; read it through maintenance_status';
COMMENT ON COLUMN agentmem.maintenance_run.store IS 'Schema of the store';
COMMENT ON COLUMN agentmem.maintenance_run.last_run IS 'Beginning of the last round in which a worker had something to do here';
COMMENT ON COLUMN agentmem.maintenance_run.duration IS 'Time that this round took for this store';
COMMENT ON COLUMN agentmem.maintenance_run.namespaces IS 'Namespaces that were maintained in it';
COMMENT ON COLUMN agentmem.maintenance_run.failures IS 'Rounds on end that failed by an error of the store itself';
COMMENT ON COLUMN agentmem.maintenance_run.next_try IS 'Not before then, after such errors';
COMMENT ON COLUMN agentmem.maintenance_run.last_error IS 'The last error';
COMMENT ON COLUMN agentmem.maintenance_run.last_error_at IS 'When it was';

CREATE FUNCTION agentmem.worker_pid()
RETURNS int LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Subobject 1 of the extension is what the worker alone locks.
  RETURN (SELECT l.pid FROM pg_locks l JOIN pg_extension e ON e.extname = 'agentmem' AND l.objid = e.oid
          WHERE l.locktype = 'object' AND l.classid = 'pg_extension'::regclass AND l.objsubid = 1 AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) LIMIT 1);
END
$$;
COMMENT ON FUNCTION agentmem.worker_pid() IS
  'Process number of the worker that is at work in this database, or naps between rounds; NULL: none';

CREATE FUNCTION agentmem.start_worker()
RETURNS int LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_start_worker';
COMMENT ON FUNCTION agentmem.start_worker() IS
  'Starts a background worker that maintains the stores of this database, where agentmem is not preloaded; returns its process number, or that of the one that is there. It lasts until stop_worker() or the end of the server';

CREATE FUNCTION agentmem.stop_worker()
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_stop_worker';
COMMENT ON FUNCTION agentmem.stop_worker() IS
  'Ends the worker of this database, and waits for that. false: there was none. A launcher starts the next when it is due';

REVOKE ALL ON FUNCTION agentmem.start_worker() FROM PUBLIC;
REVOKE ALL ON FUNCTION agentmem.stop_worker() FROM PUBLIC;

-- maintenance_status --------------------------------------------------------------

CREATE FUNCTION agentmem.plain_rows(relation oid, columns name[])
RETURNS SETOF text[] LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_plain_rows';
COMMENT ON FUNCTION agentmem.plain_rows(oid, name[]) IS
  'Internal to maintenance_status: columns of a table as text, read without running any code of its owner. One row, NULL, where the caller may not read all of it';

-- Looks at schemas of anyone, as whoever asks: catalogs only, store_setting() and plain_rows().
CREATE FUNCTION agentmem.plain_interval(setting_table oid, setting text, default_value interval)
RETURNS interval LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN coalesce(agentmem.store_setting(setting_table, setting)::interval, default_value);
EXCEPTION WHEN data_exception THEN
  RETURN default_value;
END
$$;
COMMENT ON FUNCTION agentmem.plain_interval(oid, text, interval) IS
  'Internal to maintenance_status: a setting of a store that is an interval, or the default where it is none';

-- What is no jsonb object, or holds no objects, counts as finished.
CREATE FUNCTION agentmem.count_unfinished(steps text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  counts jsonb := '{}';
  one text;
  key text;
BEGIN
  FOREACH one IN ARRAY coalesce(steps, '{}') LOOP
    BEGIN
      FOR key IN SELECT e.key FROM jsonb_each(one::jsonb) e WHERE e.value ? 'after' LOOP
        counts := counts || jsonb_build_object(key, coalesce((counts ->> key)::bigint, 0) + 1);
      END LOOP;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
      CONTINUE;
    END;
  END LOOP;
  RETURN counts;
END
$$;
COMMENT ON FUNCTION agentmem.count_unfinished(text[]) IS
  'Internal to maintenance_status: of what namespaces keep of their steps, how many have not come to the end of each';

CREATE FUNCTION agentmem.list_maintenance(OUT store name, OUT readable boolean, OUT maintained timestamptz, OUT due bigint, OUT backlog jsonb,
                                          OUT jobs bigint, OUT oldest_job timestamptz, OUT dead_jobs bigint)
RETURNS SETOF record LANGUAGE plpgsql STABLE PARALLEL UNSAFE
-- Times go through text.
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET intervalstyle = 'postgres'
AS $$
DECLARE
  s record;
  latest timestamptz; -- what was maintained by then is due
  far CONSTANT timestamptz := agentmem.far_ahead(now()); -- and what after then
BEGIN
  FOR s IN
    SELECT n.nspname, m.oid AS memory, t.oid AS namespace, j.oid AS job, c.oid AS setting
    FROM pg_namespace n
    JOIN pg_class m ON m.relnamespace = n.oid AND m.relname = 'memory'
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'setting'
    LEFT JOIN pg_class t ON t.relnamespace = n.oid AND t.relname = 'namespace'
    LEFT JOIN pg_class j ON j.relnamespace = n.oid AND j.relname = 'job'
    WHERE agentmem.is_store(n.oid) AND has_schema_privilege(n.oid, 'USAGE')
      AND has_table_privilege(m.oid, 'SELECT') AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY n.nspname
  LOOP
    store := s.nspname;
    readable := NOT row_security_active(s.memory);
    maintained := NULL;
    due := NULL;
    backlog := NULL;
    jobs := NULL;
    oldest_job := NULL;
    dead_jobs := NULL;
    -- Columns and settings of an owner who made something else of them.
    BEGIN
      latest := now() - agentmem.plain_interval(s.setting, 'maintain_interval', '1 hour');
      -- No rows count as 0; a table that is not there, or may not be read, as NULL.
      SELECT max(nullif(r.row[1], '-infinity')::timestamptz),
             count(*) FILTER (WHERE r.row[1] IS NULL OR r.row[1]::timestamptz <= latest OR r.row[1]::timestamptz > far),
             agentmem.count_unfinished(array_agg(r.row[2]))
        INTO maintained, due, backlog
        FROM agentmem.plain_rows(s.namespace, '{maintained,steps}') r(row)
        HAVING s.namespace IS NOT NULL AND NOT coalesce(bool_or(r.row IS NULL), false);
      SELECT count(*) FILTER (WHERE r.row[1] <> 'dead'), min(r.row[2]::timestamptz) FILTER (WHERE r.row[1] <> 'dead'),
             count(*) FILTER (WHERE r.row[1] = 'dead')
        INTO jobs, oldest_job, dead_jobs
        FROM agentmem.plain_rows(s.job, '{state,created}') r(row)
        HAVING s.job IS NOT NULL AND NOT coalesce(bool_or(r.row IS NULL), false);
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
      NULL;
    END;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.list_maintenance() IS 'Internal to maintenance_status: what the tables of the stores tell';

-- The barrier keeps conditions of the reader away from runs of stores that he may not see.
CREATE VIEW agentmem.maintenance_status WITH (security_barrier) AS
  SELECT s.store, greatest(s.maintained, CASE WHEN s.readable THEN r.last_run END) AS last_run,
    CASE WHEN s.readable THEN r.duration END AS duration, s.due, s.backlog, s.jobs, s.oldest_job, s.dead_jobs,
    agentmem.worker_pid() AS worker, coalesce(r.failures, 0) AS failures, r.next_try,
    CASE WHEN s.readable THEN r.last_error END AS last_error, CASE WHEN s.readable THEN r.last_error_at END AS last_error_at
  FROM agentmem.list_maintenance() s LEFT JOIN agentmem.maintenance_run r ON r.store OPERATOR(pg_catalog.=) s.store;
COMMENT ON VIEW agentmem.maintenance_status IS
  'How maintenance stands in the stores that the current role may read; where row security holds for it, numbers and errors are NULL';
COMMENT ON COLUMN agentmem.maintenance_status.store IS 'Schema of the store';
COMMENT ON COLUMN agentmem.maintenance_status.last_run IS 'When something of it was last maintained, by whomever';
COMMENT ON COLUMN agentmem.maintenance_status.duration IS 'Time that the last round of a worker took here';
COMMENT ON COLUMN agentmem.maintenance_status.due IS 'Namespaces that wait to be maintained';
COMMENT ON COLUMN agentmem.maintenance_status.backlog IS 'Of each step that goes on over several calls, the namespaces in which it has not come to its end';
COMMENT ON COLUMN agentmem.maintenance_status.jobs IS 'Jobs for models that are queued or leased';
COMMENT ON COLUMN agentmem.maintenance_status.oldest_job IS 'When the oldest of these was queued';
COMMENT ON COLUMN agentmem.maintenance_status.dead_jobs IS 'Jobs that have used up their attempts';
COMMENT ON COLUMN agentmem.maintenance_status.worker IS 'Process number of the worker of this database; NULL: none is at work';
COMMENT ON COLUMN agentmem.maintenance_status.failures IS 'Rounds of workers on end that failed by an error of the store itself';
COMMENT ON COLUMN agentmem.maintenance_status.next_try IS 'After such errors workers do nothing here before then';
COMMENT ON COLUMN agentmem.maintenance_status.last_error IS 'The last error that a worker had here; it may be over';
COMMENT ON COLUMN agentmem.maintenance_status.last_error_at IS 'When it was';
GRANT SELECT ON agentmem.maintenance_status TO PUBLIC;
