-- Functions of a PL/Proxy router for agentmem: each has the name, arguments and result of the one that it
-- stands for, and runs it on the server that holds the namespace.  See README.md and docs/howto/scale-out.md.
--
--   psql -d router -v cluster=mem -f router.sql
--
-- The database has the extensions agentmem, for its types, and plproxy, and a foreign server of plproxy named
-- as the variable says.  The schema agentmem_router is made anew.
\set ON_ERROR_STOP on
SELECT set_config('agentmem_router.cluster', :'cluster', false);
BEGIN;
SET LOCAL client_min_messages = warning;
DROP SCHEMA IF EXISTS agentmem_router CASCADE;
CREATE SCHEMA agentmem_router;
COMMENT ON SCHEMA agentmem_router IS 'Functions of agentmem that run where their namespace is; made by contrib/plproxy/router.sql';
DO $router$
DECLARE
  f record;
  result text;
BEGIN
  FOR f IN
    SELECT p.oid, p.proname, p.provolatile, p.proretset, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
      'namespace' = ANY (p.proargnames) AND p.proname NOT IN ('create_table') AS routed
    FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'agentmem'
    WHERE p.prokind = 'f' AND p.proargnames[1] = 'store' AND obj_description(p.oid, 'pg_proc') NOT LIKE 'Internal to %'
      AND (p.proname IN (
          -- Of the store as a whole: told to each server.
          'create_store', 'drop_store', 'upgrade_store', 'enable_row_security', 'disable_row_security', 'add_kind', 'alter_kind', 'retire_kind', 'add_edge_type',
          'set_cache_category', 'cache_load', 'begin_space', 'enqueue_space', 'space_progress', 'switch_space', 'cancel_space',
          -- Asked of each server.
          'claim_jobs', 'namespaces', 'erase_verify', 'maintain')
        OR p.proargnames[2] = 'namespace'
          -- Their locks would end before the answer is there.
          AND p.proname NOT IN ('lock_memories', 'lock_rows'))
    ORDER BY p.oid
  LOOP
    -- More servers than one give more rows than one.
    result := CASE WHEN f.proname IN ('claim_jobs', 'namespaces', 'erase_verify') OR NOT (f.routed OR f.proretset) THEN regexp_replace(f.result, '^(SETOF )?', 'SETOF ') ELSE f.result END;
    EXECUTE format('CREATE FUNCTION agentmem_router.%I(%s) RETURNS %s LANGUAGE plproxy AS %L', f.proname, f.arguments, result,
      format(E'\nCLUSTER %L;\nRUN ON %s;\nTARGET agentmem.%I;\n', current_setting('agentmem_router.cluster'),
        CASE WHEN f.routed AND f.proname NOT IN ('claim_jobs', 'namespaces') THEN 'hashtext(namespace)' ELSE 'ALL' END, f.proname));
    EXECUTE format('COMMENT ON FUNCTION agentmem_router.%I IS %L', f.proname, obj_description(f.oid, 'pg_proc'));
  END LOOP;
END
$router$;
COMMIT;
SELECT count(*) AS functions FROM pg_proc WHERE pronamespace = 'agentmem_router'::regnamespace;
