-- Key columns of ivfbq indexes: types, several columns, conditions of every kind, NULLs, many keys.
SET search_path = public, agentmem;
SET jit = off;
SET extra_float_digits = 0;

-- The ids that a condition selects by an index scan, and whether a sequential scan selects the same.
CREATE FUNCTION pg_temp.by_key("table" regclass, condition text, OUT by_index boolean, OUT same boolean, OUT ids text)
LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT array_agg(id ORDER BY id)::text FROM (SELECT id FROM %s t WHERE %s ORDER BY v <-> ''[0,0]'' LIMIT 1000) _',
		"table", condition);
	line text;
	wanted text;
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
	by_index := false;
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		-- Newer servers see that two constants differ, and scan nothing.
		by_index := by_index OR line ~ 'Index Scan using \w+_index |One-Time Filter: false';
	END LOOP;
	EXECUTE query INTO ids;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true),
		set_config('enable_indexscan', 'off', true);
	EXECUTE query INTO wanted;
	PERFORM set_config('enable_indexscan', 'on', true);
	same := ids IS NOT DISTINCT FROM wanted;
END $$;

-- Types.
CREATE TABLE ivfbq_keys_types (id int, t text, c varchar(10), b bigint, i int, s smallint, u uuid, v vector(2));
INSERT INTO ivfbq_keys_types
	SELECT i, 'tenant ' || i % 3, 'k' || i % 3, (i % 3 - 1) * 10000000000, i % 3 - 1, i % 3 - 1,
		(ARRAY['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
			'01234567-89ab-cdef-0123-456789abcdef'])[i % 3 + 1]::uuid, ARRAY[i, -i]::vector
	FROM generate_series(1, 9) i;
INSERT INTO ivfbq_keys_types VALUES (10, '', '', 1, 32767, 32767, NULL, '[1,1]'), (11, NULL, NULL, -1, -32768, -32768, NULL, '[2,2]');
CREATE INDEX ivfbq_keys_text_index ON ivfbq_keys_types USING ivfbq (t, v vector_l2_ops);
SELECT condition, k.* FROM unnest(ARRAY['t = ''tenant 1''', 't = ''''', 't = ''none''', 't = NULL',
	't = ANY (''{tenant 0,tenant 2,tenant 0,NULL,none}'')', 't = ANY (''{}'')', 't = ANY (''{NULL}'')', 't = ANY (NULL)',
	't = ''tenant 1''::varchar', 't IN (''tenant 1'', '''')', 't = ''tenant 1'' AND t = ''tenant 2''',
	't = ANY (''{tenant 0,tenant 1}'') AND t = ANY (''{tenant 1,tenant 2}'')', 't = ''tenant 1'' AND id > 4']) condition,
	pg_temp.by_key('ivfbq_keys_types', condition) k;
DROP INDEX ivfbq_keys_text_index;
CREATE INDEX ivfbq_keys_varchar_index ON ivfbq_keys_types USING ivfbq (c, v vector_l2_ops);
SELECT condition, k.* FROM unnest(ARRAY['c = ''k1''', 'c = ''k1''::text', 'c = ANY (''{k0,k2}''::varchar[])', 'c = ANY (''{k0,k2}''::text[])']) condition,
	pg_temp.by_key('ivfbq_keys_types', condition) k;
DROP INDEX ivfbq_keys_varchar_index;
CREATE INDEX ivfbq_keys_bigint_index ON ivfbq_keys_types USING ivfbq (b, v vector_l2_ops);
SELECT condition, k.* FROM unnest(ARRAY['b = 10000000000', 'b = -10000000000', 'b = 0', 'b = 1', 'b = -1', 'b = 1::smallint', 'b = (-1)::smallint',
	'b = ANY (''{0,-1}''::int[])', 'b = ANY (''{0,-1}''::smallint[])', 'b = ANY (''{10000000000,NULL,0}'')']) condition,
	pg_temp.by_key('ivfbq_keys_types', condition) k;
DROP INDEX ivfbq_keys_bigint_index;
CREATE INDEX ivfbq_keys_int_index ON ivfbq_keys_types USING ivfbq (i, v vector_l2_ops);
SELECT condition, k.* FROM unnest(ARRAY['i = 1', 'i = -1', 'i = 1::bigint', 'i = (-1)::bigint', 'i = 1::smallint', 'i = (-32768)::smallint',
	'i = 4294967297', 'i = ANY (''{-1,4294967297}''::bigint[])']) condition, pg_temp.by_key('ivfbq_keys_types', condition) k;
DROP INDEX ivfbq_keys_int_index;
CREATE INDEX ivfbq_keys_smallint_index ON ivfbq_keys_types USING ivfbq (s, v vector_l2_ops);
SELECT condition, k.* FROM unnest(ARRAY['s = 1', 's = -1', 's = 1::bigint', 's = 32767', 's = -32768::bigint', 's = 65537', 's = ANY (''{0,32767}''::int[])']) condition,
	pg_temp.by_key('ivfbq_keys_types', condition) k;
DROP INDEX ivfbq_keys_smallint_index;
CREATE INDEX ivfbq_keys_uuid_index ON ivfbq_keys_types USING ivfbq (u, v vector_l2_ops);
SELECT condition, k.* FROM unnest(ARRAY['u = ''01234567-89ab-cdef-0123-456789abcdef''', 'u = ''FFFFFFFF-ffff-ffff-ffff-ffffffffffff''',
	'u = ANY (''{00000000-0000-0000-0000-000000000000,NULL}'')', 'u IS NULL']) condition, pg_temp.by_key('ivfbq_keys_types', condition) k;
DROP TABLE ivfbq_keys_types;

-- Several columns: any of them may be given.
CREATE TABLE ivfbq_keys (id int, a text, b int, c bigint, v vector(2));
CREATE INDEX ivfbq_keys_index ON ivfbq_keys USING ivfbq (a, b, c, v vector_l2_ops);
INSERT INTO ivfbq_keys
	SELECT i, (ARRAY['x', 'y', NULL])[i % 3 + 1], nullif(i / 3 % 3, 2), nullif(i / 9 % 3, 2), ARRAY[i, i]::vector FROM generate_series(0, 26) i;
SELECT condition, k.* FROM unnest(ARRAY['true', 'a = ''x''', 'b = 1', 'c = 0', 'a = ''y'' AND b = 0', 'a = ''y'' AND c = 1', 'b = 1 AND c = 1::smallint',
	'a = ''x'' AND b = 0 AND c = 0', 'a = ''x'' AND b = 0 AND c = 7', 'a = ANY (''{x,y}'') AND b = ANY (''{0,1}'') AND c = ANY (''{0,1,5}'')',
	'a = ANY (''{x,y}'') AND c = 1', 'a = ''x'' AND b = 1 AND b = 0', 'a = ''x'' AND b = 1 AND b = ANY (''{1,0}'')', 'b = ANY (''{1,1,NULL,1}'')',
	'a IS NULL', 'a IS NULL AND b = 1', 'a IS NULL AND b IS NULL AND c IS NULL', 'a = ''x'' AND b = NULL', 'a = ''x'' OR b = 1', 'a <> ''x''']) condition,
	pg_temp.by_key('ivfbq_keys', condition) k;
-- Many combinations: more than are looked up one by one.
SELECT by_index, same, length(ids) FROM pg_temp.by_key('ivfbq_keys', 'a = ANY (ARRAY[''x'', ''y'', ''z'']) AND
	b = ANY (ARRAY(SELECT generate_series(-500, 500))) AND c = ANY (ARRAY(SELECT generate_series(-500, 500)::bigint))');
-- The same after the index is built from the rows, and with another key in a row that is updated.
REINDEX INDEX ivfbq_keys_index;
UPDATE ivfbq_keys SET a = 'z' WHERE id = 4;
SELECT condition, k.* FROM unnest(ARRAY['true', 'a = ''y''', 'a = ''z''', 'b = 1', 'a = ''z'' AND b = 1 AND c = 0', 'a = ''y'' AND b = 1 AND c = 0',
	'a IS NULL AND c = 1']) condition, pg_temp.by_key('ivfbq_keys', condition) k;

-- A join by key, the key of each row of the other side.
SET enable_seqscan = off;
SET enable_sort = off;
SELECT k.a, k.b, n.ids FROM (VALUES ('x', 0), ('y', 1), ('z', 1), (NULL, 1), ('x', NULL), ('w', 0)) k (a, b),
	LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM ivfbq_keys t WHERE t.a = k.a AND t.b = k.b ORDER BY v <-> '[8,8]' LIMIT 2) _) n;
RESET enable_seqscan;
RESET enable_sort;
DROP TABLE ivfbq_keys;

-- Keys are compared as the column's collation compares.
CREATE COLLATION ivfbq_keys_caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE ivfbq_keys (id int, a text COLLATE ivfbq_keys_caseless, v vector(2));
CREATE INDEX ivfbq_keys_index ON ivfbq_keys USING ivfbq (a, v vector_l2_ops);
INSERT INTO ivfbq_keys VALUES (1, 'Anna', '[1,1]'), (2, 'ANNA', '[2,2]'), (3, 'Bert', '[3,3]');
SELECT condition, k.* FROM unnest(ARRAY['a = ''anna''', 'a = ''BERT''', 'a = ''anna'' COLLATE "C"', 'a = ANY (''{bert,anna}'')']) condition,
	pg_temp.by_key('ivfbq_keys', condition) k;
DROP TABLE ivfbq_keys;
DROP COLLATION ivfbq_keys_caseless;

-- Long keys: only a hash is kept.
CREATE TABLE ivfbq_keys (id int, a text, v vector(2));
CREATE INDEX ivfbq_keys_index ON ivfbq_keys USING ivfbq (a, v vector_l2_ops);
INSERT INTO ivfbq_keys SELECT i, repeat('long key ', 1111) || i % 2, ARRAY[i, i]::vector FROM generate_series(1, 6) i;
SELECT length(condition), k.* FROM unnest(ARRAY[format('a = %L', repeat('long key ', 1111) || 0), format('a = %L', repeat('long key ', 1111) || 1),
	format('a = %L', repeat('long key ', 1111))]) condition, pg_temp.by_key('ivfbq_keys', condition) k;
DROP TABLE ivfbq_keys;

-- 5,000 keys of three rows: half of them by the build, half by single inserts.
CREATE TABLE ivfbq_keys (id int, tenant int, v vector(4));
INSERT INTO ivfbq_keys SELECT i, i % 2500, ARRAY[i % 7, i % 11, i % 13, 1]::vector FROM generate_series(1, 7500) i;
CREATE INDEX ivfbq_keys_index ON ivfbq_keys USING ivfbq (tenant, v vector_l2_ops);
INSERT INTO ivfbq_keys SELECT i, 2500 + i % 2500, ARRAY[i % 7, i % 11, i % 13, 1]::vector FROM generate_series(7501, 15000) i;
-- Keys whose rows by the index are not theirs: none; and how many have how many rows.
CREATE FUNCTION pg_temp.count_keys(OUT different bigint, OUT keys bigint, OUT rows numeric) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('enable_hashjoin', 'off', true);
	CREATE TEMP TABLE by_index AS
		SELECT tenant, n.* FROM generate_series(0, 5000) tenant, LATERAL (SELECT count(*) AS n, sum(id) AS ids, count(DISTINCT id) AS ids_n
			FROM (SELECT id FROM ivfbq_keys k WHERE k.tenant = tenant.tenant ORDER BY v <-> '[1,2,3,4]' LIMIT 100) _) n;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), set_config('enable_hashjoin', 'on', true),
		set_config('enable_indexscan', 'off', true);
	SELECT count(*) FILTER (WHERE b.n <> coalesce(s.n, 0) OR b.ids IS DISTINCT FROM s.ids OR b.ids_n <> b.n), count(*) FILTER (WHERE b.n > 0), sum(b.n)
		INTO different, keys, rows
		FROM by_index b LEFT JOIN (SELECT tenant, count(*) AS n, sum(id) AS ids FROM ivfbq_keys GROUP BY tenant) s USING (tenant);
	PERFORM set_config('enable_indexscan', 'on', true);
	DROP TABLE by_index;
END $$;
SELECT * FROM pg_temp.count_keys();
DELETE FROM ivfbq_keys WHERE id % 5 = 0 OR tenant < 100;
SELECT * FROM pg_temp.count_keys();
VACUUM ivfbq_keys;
SELECT * FROM pg_temp.count_keys();
-- New rows take the place of the old, and one key grows.
INSERT INTO ivfbq_keys SELECT i, i % 5000, ARRAY[i % 7, i % 11, i % 13, 1]::vector FROM generate_series(20001, 23000) i;
INSERT INTO ivfbq_keys SELECT i, 77, ARRAY[i % 7, i % 11, i % 13, 1]::vector FROM generate_series(30001, 30090) i;
SELECT * FROM pg_temp.count_keys();
VACUUM ivfbq_keys;
SELECT * FROM pg_temp.count_keys();
DROP TABLE ivfbq_keys;
