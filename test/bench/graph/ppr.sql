-- Times of ppr from 40 facts chosen at random, 200 times, each time others: p50 and p95 in ms.
SET client_min_messages = warning;
CREATE OR REPLACE FUNCTION pg_temp.measure(store name, epsilon real, n int, OUT p50 numeric, OUT p95 numeric) LANGUAGE plpgsql AS $$
DECLARE
  times float8[] = '{}'; seeds bigint[]; start timestamptz; facts bigint; first bigint; i int;
BEGIN
  EXECUTE format('SELECT count(*), min(id) FROM %I.memory WHERE kind = ''fact''', store) INTO facts, first;
  PERFORM setseed(0.25);
  FOR i IN -20 .. n LOOP
    seeds := ARRAY(SELECT first + floor(random() * facts)::bigint FROM generate_series(1, 40));
    start := clock_timestamp();
    PERFORM count(*) FROM agentmem.ppr(store, 'n', seeds, epsilon => epsilon);
    IF i > 0 THEN times := times || extract(epoch FROM clock_timestamp() - start)::float8 * 1000; END IF;
  END LOOP;
  SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t)::numeric, 2), round(percentile_cont(0.95) WITHIN GROUP (ORDER BY t)::numeric, 2) INTO p50, p95 FROM unnest(times) t;
END $$;
SELECT :'store' AS store, :epsilon AS epsilon, * FROM pg_temp.measure(:'store', :epsilon, 200);
