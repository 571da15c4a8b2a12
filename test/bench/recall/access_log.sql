-- What the access log costs: processor time of the session (Linux) for the same questions with it and without, in turns of 200. With it, each
-- turn writes once: the interval is shorter than a turn.
\set ON_ERROR_STOP on
SET client_min_messages = notice;
SET jit = off;
SET agentmem.access_log_interval = '10ms';
CREATE OR REPLACE FUNCTION bench.ticks() RETURNS bigint LANGUAGE sql AS
	$$SELECT s[14]::bigint + s[15]::bigint FROM string_to_array(pg_read_file('/proc/self/stat'), ' ') s$$;
CREATE OR REPLACE PROCEDURE bench.access_log(rounds int) LANGUAGE plpgsql AS $$
DECLARE
	used bigint[] := '{0,0}';
	asked record;
	began bigint;
BEGIN
	FOR round IN 1 .. rounds LOOP
		FOR off IN 0 .. 1 LOOP
			PERFORM set_config('agentmem.access_log', CASE off WHEN 0 THEN 'on' ELSE 'off' END, false);
			began := bench.ticks();
			FOR i IN 1 .. 200 LOOP
				SELECT a.question, a.embedding INTO asked FROM bench.asked a WHERE a.n = 1 + (i * 37 + round) % 999;
				PERFORM FROM agentmem.recall('speed', '600', asked.question, asked.embedding);
				COMMIT;
			END LOOP;
			used[off + 1] := used[off + 1] + bench.ticks() - began;
		END LOOP;
	END LOOP;
	RAISE NOTICE 'access log: % ticks with it, % without, ratio %', used[1], used[2], round(used[1]::numeric / used[2], 3);
END $$;
CALL bench.access_log(2);
TRUNCATE speed.access;
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS before \gset
CALL bench.access_log(25);
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - :before AS transaction_ids, count(*) AS rows, sum(accesses) AS accesses FROM speed.access;
