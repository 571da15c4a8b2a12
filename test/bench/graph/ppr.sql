-- Times of ppr from 40 facts, 200 times after 300 that are not told (a session that has just begun has not seen
-- most pages yet), each time others: chosen at random from all, and 40 that follow each other, as
-- the nearest to a query mostly lie.  p50 and p95 in ms, the least, and processor time.
SET client_min_messages = warning;
CREATE OR REPLACE FUNCTION pg_temp.cpu() RETURNS float8 LANGUAGE sql AS
  $$ SELECT (s[14]::float8 + s[15]::float8) * 10 FROM string_to_array(pg_read_file('/proc/self/stat', 0, 1000, true), ' ') s $$;
CREATE FUNCTION pg_temp.measure(store name, epsilon real, near boolean, n int, OUT p50 numeric, OUT p95 numeric, OUT best numeric, OUT cpu numeric) LANGUAGE plpgsql AS $$
DECLARE
  times float8[] = '{}'; seeds bigint[]; start timestamptz; facts bigint; first bigint; i int; at bigint; before float8;
BEGIN
  EXECUTE format('SELECT count(*), min(id) FROM %I.memory WHERE kind = ''fact''', store) INTO facts, first;
  PERFORM setseed(0.25);
  FOR i IN -299 .. n LOOP
    IF i = 1 THEN before := pg_temp.cpu(); END IF;
    at := first + floor(random() * (facts - 40))::bigint;
    seeds := ARRAY(SELECT CASE WHEN near THEN at + s ELSE first + floor(random() * facts)::bigint END FROM generate_series(1, 40) s);
    start := clock_timestamp();
    PERFORM count(*) FROM agentmem.ppr(store, 'n', seeds, epsilon => epsilon);
    IF i > 0 THEN times := times || extract(epoch FROM clock_timestamp() - start)::float8 * 1000; END IF;
  END LOOP;
  cpu := round(((pg_temp.cpu() - before) / n)::numeric, 2);
  SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t)::numeric, 2), round(percentile_cont(0.95) WITHIN GROUP (ORDER BY t)::numeric, 2), round(min(t)::numeric, 2)
  INTO p50, p95, best FROM unnest(times) t;
END $$;
SELECT format('%s epsilon %s, %s: p50 %s p95 %s least %s ms, cpu %s ms', :'store', :epsilon, CASE WHEN near THEN 'near' ELSE 'random' END, p50, p95, best, cpu)
FROM (VALUES (false), (true)) v(near), pg_temp.measure(:'store', :epsilon, near, 200);
