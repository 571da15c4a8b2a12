-- Strength and retention: the formulas, and the states that follow from them. Rules: src/consolidate/README.md.

CREATE FUNCTION agentmem.strength(half_life interval, accesses bigint DEFAULT 0, importance real DEFAULT 0, confirmations int DEFAULT 0,
                                  confidence real DEFAULT 1)
RETURNS interval LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_strength';
COMMENT ON FUNCTION agentmem.strength(interval, bigint, real, int, real) IS
  'Time in which a memory of this half-life, used and confirmed so often, loses half its retention; NULL half_life: never';

CREATE FUNCTION agentmem.retention(strength interval, unused interval)
RETURNS real LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_retention';
COMMENT ON FUNCTION agentmem.retention(interval, interval) IS
  'What is left, 0 to 1, of a memory of this strength that was not used for so long: 2 ^ (-unused / strength); 1 where either is NULL';

CREATE FUNCTION agentmem.next_state(state text, retention real)
RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_next_state';
COMMENT ON FUNCTION agentmem.next_state(text, real) IS
  'Internal to maintain: the state after one sweep of a memory in this state, by its retention';

CREATE FUNCTION agentmem.state_bits(state text)
RETURNS int LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_state_bits';
COMMENT ON FUNCTION agentmem.state_bits(text) IS 'Internal to maintain: bits a dimension that embeddings of this state keep at most';

-- The value may be older than the declaration of its type.
CREATE FUNCTION agentmem.attribute_time(attributes jsonb, name text)
RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (attributes ->> name)::timestamptz;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION agentmem.attribute_time(jsonb, text) IS 'Internal to maintain: an attribute that is a time; NULL where it is none';
