-- A step of maintenance: what recall returned becomes part of activity. Rules: src/consolidate/README.md, "Accesses".

CREATE FUNCTION agentmem.plan_fold(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                   OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  rows_most CONSTANT int := 100000; -- that one call looks at, and deletes
  found bigint;
  named bigint;
BEGIN
  -- Half of what may be changed is left to the other steps. The memories with the most rows come first.
  EXECUTE format('SELECT array_agg(i.id) FILTER (WHERE i.place <= $3), sum(i.n), count(*) FROM ('
                 'SELECT w.id, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, w.id) AS place'
                 ' FROM (SELECT a.id FROM %I.access a WHERE a.namespace = $1 LIMIT $2) w GROUP BY w.id) i', store)
    INTO ids, found, named USING namespace, rows_most, most / 2;
  IF ids IS NULL THEN
    RETURN;
  END IF;
  plan := jsonb_build_object('ids', to_jsonb(ids), 'rows', rows_most);
  state := CASE WHEN found < rows_most AND named <= most / 2 THEN '{}' ELSE '{"after": 0}' END;
END
$$;
COMMENT ON FUNCTION agentmem.plan_fold(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: memories of which the access log has rows';

-- One statement: rows are counted as they are deleted. Those of memories that are gone go uncounted; of those that are there and whose
-- locks are not held, they stay.
CREATE FUNCTION agentmem.apply_fold(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                    OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids bigint[] := ARRAY(SELECT p::bigint FROM jsonb_array_elements(plan -> 'ids') p);
  gone bigint[];
  folding bigint[];
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(u.id), ''{}'') FROM unnest($2) u(id)'
                 ' WHERE NOT EXISTS (SELECT FROM %I.memory m WHERE m.namespace = $1 AND m.id = u.id)', store)
    INTO gone USING namespace, ids;
  folding := ARRAY(SELECT h.id FROM unnest(held) h(id) INTERSECT SELECT u.id FROM unnest(ids) u(id) EXCEPT SELECT g.id FROM unnest(gone) g(id));
  IF dry_run THEN
    changed := cardinality(folding);
    RETURN;
  END IF;
  EXECUTE format($sql$
    WITH taken AS (
      DELETE FROM %1$I.access a WHERE a.namespace = $1 AND a.ctid = ANY (ARRAY(
        SELECT w.ctid FROM %1$I.access w WHERE w.namespace = $1 AND w.id = ANY ($2 || $3) LIMIT $4))
      RETURNING a.id, a.at, a.accesses),
    folded AS (
      INSERT INTO %1$I.activity AS v (namespace, id, accesses, last_access)
      SELECT $1, t.id, sum(t.accesses), max(t.at) FROM taken t WHERE t.id = ANY ($2) GROUP BY t.id ORDER BY t.id
      ON CONFLICT (namespace, id) DO UPDATE
        SET accesses = v.accesses + excluded.accesses, last_access = greatest(v.last_access, excluded.last_access)
      RETURNING 1)
    SELECT (SELECT count(*) FROM folded), jsonb_build_object('rows', count(*), 'accesses', coalesce(sum(t.accesses) FILTER (WHERE t.id = ANY ($2)), 0))
    FROM taken t$sql$, store)
    INTO changed, details USING namespace, folding, gone, (plan ->> 'rows')::int;
END
$$;
COMMENT ON FUNCTION agentmem.apply_fold(name, text, timestamptz, jsonb, bigint[], boolean) IS
  'Internal to maintain: adds rows of the access log to activity, and deletes them';
