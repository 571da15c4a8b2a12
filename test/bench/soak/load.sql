-- A store with all that maintenance does, at a pace at which minutes are months; what its clients call. What is kept of the past (four months, as it were)
-- is many times the time between two VACUUMs, as anywhere: what goes in that time is space that tables have and a copy has not.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS agentmem;
SELECT agentmem.create_store('soak', dimensions => 32);
INSERT INTO soak.setting VALUES ('similar', '3'), ('concepts', '4'), ('summaries', '4'), ('promotion', '2'), ('communities', '4'), ('importance', 'rank'), ('reflect_jobs', 'on'),
  ('maintain_interval', '2 seconds'), ('sweep_interval', '10 seconds'), ('summary_interval', '5 seconds'), ('promotion_interval', '10 seconds'), ('community_interval', '10 seconds'),
  ('importance_interval', '10 seconds'), ('purge_interval', '5 seconds'), ('audit_keep', '2 minutes');
SELECT agentmem.set_cache_category('soak', 'talk', threshold => 0.9, ttl => '20 seconds', quota => 200);
CREATE SCHEMA soak_client;
SET search_path = soak_client;

-- What was acknowledged, in a namespace of which nothing is purged; written by the transaction that wrote the memory.
CREATE TABLE said (namespace text, id bigint, at timestamptz DEFAULT now());

CREATE FUNCTION some_vector(i int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
  $$ SELECT array_agg(sin(i % 97 * 12.9898 + j * 78.233) + 0.1 * sin(i * j))::real[]::agentmem.vector FROM generate_series(1, 32) j $$;
CREATE FUNCTION some_words(i int) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT string_agg((ARRAY['harbour','Anna','invoice','the','old','printer','jams','Rome','contract','painted','late','server','disk','garden','sold','Bert'])[1 + abs(hashint4(i % 97 + j) % 16)], ' ')
       || ', number ' || i % 997 FROM generate_series(1, 6 + i % 9) j $$;
CREATE FUNCTION some_memory(ns text) RETURNS bigint LANGUAGE sql SET search_path = soak_client AS
  $$ SELECT id FROM soak.memory m WHERE m.namespace = ns AND m.id >= (SELECT min(id) + (random() * (max(id) - min(id)))::bigint FROM soak.memory WHERE namespace = ns) ORDER BY id LIMIT 1 $$;

-- One call of a writer. What another did to the same memory meanwhile is an answer as well.
CREATE FUNCTION write(n int, what int, i int) RETURNS void LANGUAGE plpgsql SET search_path = soak_client AS $$
DECLARE
  ns text;
  made bigint[];
BEGIN
  -- Little in the namespace whose past stays: the sizes that are compared are to be those of a store that grows no more.
  n := CASE WHEN i % 25 = 0 THEN 1 WHEN n = 1 THEN 2 ELSE n END;
  ns := 'user/' || n;
  CASE
    WHEN what < 30 THEN
      made := ARRAY(SELECT id FROM agentmem.remember('soak', ns, some_words(i), 'episode', session => 's' || i % 50, embedding => some_vector(i)));
    WHEN what < 45 THEN
      made := ARRAY(SELECT id FROM agentmem.remember('soak', ns, some_words(i), 'observation', embedding => some_vector(i), importance => random()::real,
                                                     expires_at => CASE WHEN i % 9 = 0 THEN now() + interval '10 seconds' END));
    WHEN what < 60 THEN
      made := ARRAY(SELECT id FROM agentmem.remember('soak', ns, some_words(i), 'fact', subject => 'customer ' || i % 40, predicate => 'lives in', object => 'town ' || i % 7, embedding => some_vector(i)));
    WHEN what < 65 THEN
      made := ARRAY(SELECT r.id FROM agentmem.remember_many('soak', ns, (SELECT jsonb_agg(jsonb_build_object('content', some_words(i + j), 'kind', 'observation')) FROM generate_series(1, 20) j),
                                                            (SELECT array_agg(some_vector(i + j)) FROM generate_series(1, 20) j)) r);
    WHEN what < 75 THEN
      PERFORM agentmem.revise('soak', ns, some_memory(ns), content => some_words(i), embedding => some_vector(i));
    WHEN what < 80 THEN
      PERFORM agentmem.forget('soak', ns, some_memory(ns));
    WHEN what < 85 THEN
      PERFORM agentmem.restore('soak', ns, (SELECT h.id FROM soak.memory_history h WHERE h.namespace = ns ORDER BY h.system_period DESC LIMIT 1));
    WHEN what < 90 THEN
      PERFORM agentmem.feedback('soak', ns, some_memory(ns), i % 2 = 0);
    WHEN what < 95 THEN
      PERFORM agentmem.link('soak', ns, some_memory(ns), some_memory(ns), 'caused_by');
    WHEN what < 97 THEN
      PERFORM agentmem.resolve('soak', ns, c.id, 'retain') FROM soak.conflict c WHERE c.namespace = ns AND c.resolution IS NULL LIMIT 1;
    WHEN what < 98 AND n > 1 THEN
      PERFORM agentmem.erase('soak', ns, ARRAY[some_memory(ns)]);
    ELSE
      PERFORM agentmem.cache_put('soak', ns, 'talk', some_words(i), some_vector(i), 'an answer');
  END CASE;
  IF n = 1 AND made <> '{}' THEN
    INSERT INTO said SELECT ns, m FROM unnest(made) m;
  END IF;
EXCEPTION WHEN object_not_in_prerequisite_state OR integrity_constraint_violation OR undefined_object OR no_data_found OR data_exception OR null_value_not_allowed THEN
  NULL;
END $$;

CREATE FUNCTION read(n int, what int, i int) RETURNS bigint LANGUAGE plpgsql SET search_path = soak_client AS $$
DECLARE
  ns text := 'user/' || n;
BEGIN
  RETURN CASE
    WHEN what < 40 THEN (SELECT count(*) FROM agentmem.recall('soak', ns, some_words(i), some_vector(i)))
    WHEN what < 50 THEN (SELECT count(*) FROM agentmem.recall('soak', ns, some_words(i), some_vector(i), granularity => 'summary'))
    WHEN what < 60 THEN (SELECT count(*) FROM agentmem.recall('soak', ns, some_words(i), some_vector(i), known_at => now() - i % 60 * interval '1 second'))
    WHEN what < 70 THEN (SELECT count(*) FROM agentmem.ppr('soak', ns, ARRAY[coalesce(some_memory(ns), 1)]))
    WHEN what < 80 THEN (SELECT count(*) FROM agentmem.list('soak', ns, during => '(,)'))
    WHEN what < 90 THEN (SELECT count(*) FROM agentmem.outline('soak', ns))
    ELSE (SELECT count(*) FROM agentmem.cache_get('soak', ns, 'talk', some_vector(i), some_words(i)))
  END;
END $$;
SELECT write(n, w, n * 100 + w) FROM generate_series(1, 6) n, generate_series(0, 64) w;
-- As many memories as a quota allows: sizes are those of a store that does not grow.
SELECT write(n, 60, n * 1000 + w) FROM generate_series(2, 6) n, generate_series(1, :preload) w;
SET client_min_messages = error;
SELECT agentmem.set_namespace('soak', 'user/' || n, quota => 2000, history_keep => CASE WHEN n > 1 THEN interval '2 minutes' END) FROM generate_series(1, 6) n;
