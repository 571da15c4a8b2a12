-- The steps of maintenance that keep a namespace within limits: its quota, and how long its past is kept. Rules:
-- src/consolidate/README.md, "Quotas and purging".

CREATE FUNCTION agentmem.set_namespace(store name, namespace text, quota bigint DEFAULT NULL, history_keep interval DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_one int;
BEGIN
  IF store IS NULL OR namespace IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN store IS NULL THEN 'store' ELSE 'namespace' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give the name of a store and of a namespace.';
  END IF;
  IF quota < 0 THEN
    RAISE EXCEPTION 'quota must not be negative' USING ERRCODE = 'invalid_parameter_value', HINT = 'NULL is no quota, 0 keeps nothing.';
  END IF;
  IF NOT history_keep BETWEEN interval '0' AND interval '5000 years' THEN
    RAISE EXCEPTION 'history_keep must be from 0 to 5000 years, not %', history_keep
      USING ERRCODE = 'invalid_parameter_value', HINT = 'NULL is what the setting history_keep of the store says, without which all is kept.';
  END IF;
  PERFORM agentmem.owned_store(store);
  EXECUTE format('UPDATE %I.namespace n SET quota = $2, history_keep = $3 WHERE n.namespace = $1', store) USING namespace, quota, history_keep;
  GET DIAGNOSTICS found_one = ROW_COUNT;
  IF found_one = 0 THEN
    RAISE EXCEPTION 'namespace "%" does not exist in store "%"', namespace, store
      USING ERRCODE = 'no_data_found', HINT = 'The first memory makes it.';
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.set_namespace(name, text, bigint, interval) IS
  'Limits of a namespace, which maintain() keeps: quota, so many memories at most; history_keep, how long versions are kept that are no longer current, whatever the store''s setting is. NULL: no limit of its own. For the owner of the store';

-- Quota -------------------------------------------------------------------------

CREATE FUNCTION agentmem.plan_quota(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                    OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  over bigint;
BEGIN
  EXECUTE format('SELECT (SELECT count(*) FROM %1$I.memory m WHERE m.namespace = $1) - n.quota FROM %1$I.namespace n WHERE n.namespace = $1 AND n.quota IS NOT NULL', store)
    INTO over USING namespace;
  IF over IS NULL OR over <= 0 THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT coalesce(array_agg(q.id), ''{}'') FROM (SELECT s.id FROM (%s) s JOIN %I.memory m ON m.namespace = $1 AND m.id = s.id'
                 ' ORDER BY s.retention, m.importance NULLS FIRST, lower(m.system_period), m.id LIMIT $3) q',
                 agentmem.sweep_query(store, format('NOT m.pinned AND NOT EXISTS (SELECT FROM %I.kind v WHERE v.name = m.kind AND v.class = ''vault'')', store)), store)
    INTO ids USING namespace, at, greatest(least(over, most), 0);
  -- Where too many are pinned it cannot be reached, now or in the next call.
  state := CASE WHEN over > most AND cardinality(ids) >= most THEN '{"after": 0}' ELSE '{}' END;
  plan := jsonb_build_object('going', ids);
END
$$;
COMMENT ON FUNCTION agentmem.plan_quota(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: the least retained memories of a namespace that has too many';

CREATE FUNCTION agentmem.apply_quota(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                     OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  over bigint;
  forgotten bigint[];
BEGIN
  -- What other steps took out of it counts.
  EXECUTE format('SELECT (SELECT count(*) FROM %1$I.memory m WHERE m.namespace = $1) - n.quota FROM %1$I.namespace n WHERE n.namespace = $1', store)
    INTO over USING namespace;
  EXECUTE format('SELECT coalesce(array_agg(q.id), ''{}'') FROM (SELECT m.id FROM jsonb_array_elements($3) WITH ORDINALITY p(id, place)'
                 ' JOIN %I.memory m ON m.namespace = $1 AND m.id = p.id::bigint AND NOT m.pinned WHERE m.id = ANY ($2) ORDER BY p.place LIMIT $4) q', store)
    INTO forgotten USING namespace, agentmem.untouched(store, namespace, ARRAY(SELECT h.id FROM unnest(held) h(id) INTERSECT SELECT p::bigint FROM jsonb_array_elements(plan -> 'going') p)), plan -> 'going', greatest(over, 0);
  IF NOT dry_run THEN
    PERFORM agentmem.forget(store, namespace, f.id, 'quota') FROM unnest(forgotten) f(id) ORDER BY f.id;
  END IF;
  changed := nullif(cardinality(forgotten), 0);
  details := jsonb_build_object('ids', to_jsonb(forgotten[1:100]));
END
$$;
COMMENT ON FUNCTION agentmem.apply_quota(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: forgets what is over the quota';

-- Purging -----------------------------------------------------------------------

-- What goes from each table of namespace $1, by when: $2 what history is kept since, $3 what the audit is; either may be NULL.
CREATE FUNCTION agentmem.purge_queries(store name, OUT relation name, OUT which text)
RETURNS SETOF record LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY SELECT q.relation::name, format(q.which, store) FROM (VALUES
    ('memory_history', 'upper(r.system_period) <= $2'),
    ('edge_history', 'upper(r.system_period) <= $2'),
    ('secret', 'upper(r.system_period) <= $2'),
    -- That something was erased or held can be shown for ever.
    ('audit', 'r.at <= $3 AND r.action NOT IN (''erase'', ''hold'', ''release'')'),
    ('conflict', 'r.resolved_at <= $3')) q(relation, which);
END
$$;
COMMENT ON FUNCTION agentmem.purge_queries(name) IS 'Internal to maintain: SQL that tells what of the past is to go';

CREATE FUNCTION agentmem.erase_names(store name, namespace text, ids bigint[])
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_erase_names';
COMMENT ON FUNCTION agentmem.erase_names(name, text, bigint[]) IS 'Internal to maintain: takes out how memories that are gone wrote their concepts';

CREATE FUNCTION agentmem.statement_lock(hash uuid)
RETURNS bigint LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_statement_lock';
COMMENT ON FUNCTION agentmem.statement_lock(uuid) IS 'Internal to maintain: which row of key_lock a content_hash or a key_hash is locked by';

CREATE FUNCTION agentmem.key_lock(key text)
RETURNS bigint LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_key_lock';
COMMENT ON FUNCTION agentmem.key_lock(text) IS 'Internal to maintain: which row of key_lock a key is locked by';

-- Of statements, keys of timelines and keys that were purged: locks of what no memory has. A row that is locked is being written, and stays.
CREATE FUNCTION agentmem.purge_locks(store name, namespace text, statements uuid[], key_hashes uuid[], keys text[])
RETURNS bigint LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  idle CONSTANT text := format($sql$
    SELECT agentmem.statement_lock(u.hash) FROM unnest($2) u(hash) WHERE NOT EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.content_hash = u.hash)
    UNION SELECT agentmem.statement_lock(u.hash) FROM unnest($3) u(hash) WHERE NOT EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.key_hash = u.hash)
    UNION SELECT agentmem.key_lock(u.key) FROM unnest($4) u(key) WHERE NOT EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.key = u.key COLLATE "C")$sql$, store);
  locks bigint[];
  n bigint;
BEGIN
  EXECUTE format('SELECT ARRAY(%s)', idle) INTO locks USING namespace, statements, key_hashes, keys;
  EXECUTE format('SELECT ARRAY(SELECT l.hash FROM %I.key_lock l WHERE l.namespace = $1 AND l.hash = ANY ($2) FOR UPDATE SKIP LOCKED)', store) INTO locks USING namespace, locks;
  -- Again: by a snapshot of before, what who held one until now has written was not there.
  EXECUTE format('SELECT ARRAY(SELECT unnest($5) INTERSECT (%s))', idle) INTO locks USING namespace, statements, key_hashes, keys, locks;
  EXECUTE format('DELETE FROM %I.key_lock l WHERE l.namespace = $1 AND l.hash = ANY ($2)', store) USING namespace, locks;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END
$$;
COMMENT ON FUNCTION agentmem.purge_locks(name, text, uuid[], uuid[], text[]) IS 'Internal to maintain: deletes the locks of statements and keys that no memory has any more';

CREATE FUNCTION agentmem.plan_purge(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                    OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  rows CONSTANT int := 10000; -- of a table, in one call
  history timestamptz;
  audit timestamptz;
  held boolean;
  old bigint;
  more boolean := false;
  q record;
BEGIN
  IF NOT state ? 'after' AND (state ->> 'begun')::timestamptz > at - agentmem.store_interval(store, 'purge_interval', '1 day') THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT $2 - coalesce(n.history_keep, agentmem.store_interval($3, ''history_keep'', NULL)), n.hold IS NOT NULL FROM %I.namespace n WHERE n.namespace = $1', store)
    INTO history, held USING namespace, at, store;
  audit := at - agentmem.store_interval(store, 'audit_keep', NULL);
  IF held OR (history IS NULL AND audit IS NULL) THEN
    RETURN;
  END IF;
  IF clock_timestamp() >= deadline THEN
    more := true;
    plan := '{}';
  ELSIF NOT (SELECT bool_and(has_table_privilege(format('%I.%I', store, p.relation), 'DELETE'))
             FROM (SELECT w.relation FROM agentmem.purge_queries(store) w UNION SELECT unnest('{activity,concept,edge,key_lock}'::name[])) p) THEN
    plan := '{"skipped": "only who may delete from the history tables, and from activity, concept, edge and key_lock, can purge"}';
  ELSE
    plan := jsonb_build_object('history', history, 'audit', audit, 'rows', rows);
    FOR q IN SELECT p.* FROM agentmem.purge_queries(store) p LOOP
      EXECUTE format('SELECT count(*) FROM (SELECT FROM %I.%I r WHERE r.namespace = $1 AND %s LIMIT $4 + 1) c', store, q.relation, q.which)
        INTO old USING namespace, history, audit, rows;
      more := more OR old > rows;
    END LOOP;
  END IF;
  ids := '{}';
  state := CASE WHEN more THEN state || '{"after": 0}' ELSE jsonb_build_object('begun', at) END;
END
$$;
COMMENT ON FUNCTION agentmem.plan_purge(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: by when the past of a namespace is to go';

CREATE FUNCTION agentmem.apply_purge(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                     OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  history CONSTANT timestamptz := plan ->> 'history';
  audit CONSTANT timestamptz := plan ->> 'audit';
  gone bigint[] := '{}';      -- ids of versions that went
  statements uuid[];          -- and what they are locked by
  key_hashes uuid[];
  keys text[];
  n bigint;
  q record;
BEGIN
  IF NOT plan ? 'rows' THEN
    changed := CASE WHEN plan ? 'skipped' THEN 0 END;
    details := plan;
    RETURN;
  END IF;
  changed := 0;
  details := '{}';
  FOR q IN SELECT p.* FROM agentmem.purge_queries(store) p LOOP
    IF dry_run THEN
      EXECUTE format('SELECT count(*) FROM (SELECT FROM %I.%I r WHERE r.namespace = $1 AND %s LIMIT $4) c', store, q.relation, q.which)
        INTO n USING namespace, history, audit, (plan ->> 'rows')::int;
    ELSIF q.relation = 'memory_history' THEN
      EXECUTE format('WITH old AS MATERIALIZED (SELECT r.id, r.system_period FROM %1$I.memory_history r WHERE r.namespace = $1 AND %2$s LIMIT $4),'
                     ' purged AS (DELETE FROM %1$I.memory_history r USING old o WHERE r.namespace = $1 AND r.id = o.id AND r.system_period = o.system_period RETURNING r.id, r.content_hash, r.key_hash, r.key)'
                     ' SELECT count(*), coalesce(array_agg(DISTINCT p.id), ''{}''), array_agg(DISTINCT p.content_hash),'
                     ' array_agg(DISTINCT p.key_hash) FILTER (WHERE p.key_hash IS NOT NULL), array_agg(DISTINCT p.key) FILTER (WHERE p.key IS NOT NULL) FROM purged p', store, q.which)
        INTO n, gone, statements, key_hashes, keys USING namespace, history, audit, (plan ->> 'rows')::int;
    ELSE
      EXECUTE format('DELETE FROM %1$I.%2$I r WHERE r.namespace = $1 AND (r.tableoid, r.ctid) IN (SELECT r.tableoid, r.ctid FROM %1$I.%2$I r WHERE r.namespace = $1 AND %3$s LIMIT $4)',
                     store, q.relation, q.which)
        USING namespace, history, audit, (plan ->> 'rows')::int;
      GET DIAGNOSTICS n = ROW_COUNT;
    END IF;
    changed := changed + n;
    details := details || CASE WHEN n > 0 THEN jsonb_build_object(q.relation, n) ELSE '{}' END;
  END LOOP;
  IF NOT dry_run THEN
    -- restore() undoes nothing from before.
    EXECUTE format('UPDATE %I.namespace n SET purged = $2 WHERE n.namespace = $1 AND (n.purged IS NULL OR n.purged < $2) AND $3', store)
      USING namespace, history, cardinality(gone) > 0;
    -- Of what is neither held nor kept in history nothing else stays.
    EXECUTE format('SELECT coalesce(array_agg(g.id), ''{}'') FROM unnest($2) g(id) WHERE NOT EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = g.id)'
                   ' AND NOT EXISTS (SELECT FROM %1$I.memory_history h WHERE h.namespace = $1 AND h.id = g.id)', store)
      INTO gone USING namespace, gone;
    IF cardinality(gone) > 0 THEN
      EXECUTE format('DELETE FROM %I.activity a WHERE a.namespace = $1 AND a.id = ANY ($2)', store) USING namespace, gone;
      EXECUTE format('DELETE FROM %I.secret s WHERE s.namespace = $1 AND s.id = ANY ($2)', store) USING namespace, gone;
      PERFORM agentmem.erase_names(store, namespace, gone);
      -- A summary or reflection outlasts what it is made of, and knows by the edge that there was more than it could be made of by now.
      EXECUTE format('DELETE FROM %1$I.edge e WHERE e.namespace = $1 AND (e.source = ANY ($2) OR e.target = ANY ($2) AND e.type <> ''summary_of'''
                     ' AND NOT (e.type = ''derived_from'' AND EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = e.source AND %2$s)))', store, agentmem.is_digest('m', 'reflection')) USING namespace, gone;
      EXECUTE format('DELETE FROM %I.conflict c WHERE c.namespace = $1 AND (c.a = ANY ($2) OR c.b = ANY ($2))', store) USING namespace, gone;
    END IF;
    -- Behind all that may have to wait, as others wait for these.
    IF statements <> '{}' THEN
      PERFORM agentmem.purge_locks(store, namespace, statements, key_hashes, keys);
    END IF;
  END IF;
  changed := nullif(changed, 0);
END
$$;
COMMENT ON FUNCTION agentmem.apply_purge(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: deletes for good what of the past is to go';

-- Jobs --------------------------------------------------------------------------

-- Of memories that have been purged. By another call: rows of jobs are the last locks of all.
CREATE FUNCTION agentmem.plan_jobs(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                   OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  until jsonb;
BEGIN
  EXECUTE format('SELECT to_jsonb(n.purged) FROM %I.namespace n WHERE n.namespace = $1', store) INTO until USING namespace;
  IF until IS DISTINCT FROM state -> 'purged' AND has_table_privilege(format('%I.job', store), 'DELETE') THEN
    ids := '{}';
    state := jsonb_build_object('purged', until);
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.plan_jobs(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: whether memories have been purged since jobs were looked at';

CREATE FUNCTION agentmem.apply_jobs(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                    OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  jobs CONSTANT text := format($sql$
    FROM %1$I.job j WHERE j.namespace = $1 AND EXISTS (
      SELECT FROM unnest(j.ids) i(id) WHERE NOT EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = i.id)
        AND NOT EXISTS (SELECT FROM %1$I.memory_history h WHERE h.namespace = $1 AND h.id = i.id))$sql$, store);
BEGIN
  IF dry_run THEN
    EXECUTE 'SELECT count(*)' || jobs INTO changed USING namespace;
  ELSE
    EXECUTE 'DELETE' || jobs USING namespace;
    GET DIAGNOSTICS changed = ROW_COUNT;
  END IF;
  changed := nullif(changed, 0);
END
$$;
COMMENT ON FUNCTION agentmem.apply_jobs(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: deletes jobs of memories that are gone for good';
