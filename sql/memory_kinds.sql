-- Kinds: the attributes that they declare, their views, adding and changing them.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET timezone = 'UTC';
\set SHOW_CONTEXT never

SELECT create_store('mem', dimensions => 2);
SELECT kind, name, type, required FROM mem.kind_attribute ORDER BY kind;
-- A view for every kind whose memories may be held.
SELECT count(*) AS views FROM pg_class WHERE relnamespace = 'mem'::regnamespace AND relkind = 'v'
  AND relname LIKE 'kind\_%' AND reloptions @> '{security_invoker=true}';
SELECT count(*) AS missing FROM mem.kind k WHERE k.class <> 'vault' AND to_regclass('mem.kind_' || k.name) IS NULL;

-- remember() and remember_many() take what converts; what is not declared is free.
SELECT action FROM remember('mem', 'n', 'pay the rent', 'commitment', attributes => '{"due_at": "2026-05-01 12:00Z", "sum": 900}');
SELECT action FROM remember('mem', 'n', 'call Ann', 'commitment', attributes => '{"due_at": null}');
SELECT ordinal, action, error FROM remember_many('mem', 'n', '[
  {"content": "the manual", "kind": "artifact", "attributes": {"uri": "file:///manual"}},
  {"content": "the war", "kind": "event", "attributes": {"occurred_at": "1914-08-01"}},
  {"content": "the peace", "kind": "event", "attributes": {"occurred_at": "some day"}},
  {"content": "all", "kind": "summary", "attributes": {"level": 2}},
  {"content": "some", "kind": "summary", "attributes": {"level": 2.5}}]', on_error => 'skip');
SELECT content, due_at FROM mem.kind_commitment ORDER BY id;
SELECT content, occurred_at FROM mem.kind_event;
SELECT content, level, pg_typeof(level) FROM mem.kind_summary;

-- A view is written like a table.
INSERT INTO mem.kind_commitment (namespace, content, due_at, embedding, tags) VALUES ('v', 'water the plants', '2026-06-01', '[1,0]', '{home}')
RETURNING id > 0 AS id, content, due_at, pinned, confidence, upper_inf(valid_period) AS open, embedding;
INSERT INTO mem.kind_commitment (namespace, content) VALUES ('v', 'feed the cat') RETURNING content, due_at;
SELECT content FROM recall('mem', 'v', 'plants');
UPDATE mem.kind_commitment SET due_at = '2026-07-01', title = 'Garden' WHERE content = 'water the plants' RETURNING title, due_at, embedding;
SELECT attributes, title FROM mem.memory WHERE namespace = 'v' AND title IS NOT NULL;
-- What is not declared stays; an attribute set to NULL goes.
UPDATE mem.kind_commitment SET due_at = NULL WHERE content = 'pay the rent' RETURNING content, due_at;
SELECT attributes FROM mem.memory WHERE content = 'pay the rent';
UPDATE mem.kind_commitment SET content = 'feed the cats', embedding = '[0,1]' WHERE content = 'feed the cat' RETURNING content, embedding;
SELECT content FROM recall('mem', 'v', 'cats');
DELETE FROM mem.kind_commitment WHERE content = 'feed the cats' RETURNING content;
SELECT count(*) FROM mem.memory WHERE namespace = 'v';
COPY mem.kind_event (namespace, content, occurred_at) FROM stdin;
c	first landing	1969-07-20 20:17+00
c	last landing	1972-12-11 19:54+00
\.
SELECT content, occurred_at FROM mem.kind_event WHERE namespace = 'c' ORDER BY id;

-- It has what else a memory has; `attributes` are those that the kind does not declare.
INSERT INTO mem.kind_commitment (namespace, content, due_at, attributes, provenance, language, model, system_period)
VALUES ('w', 'die Rechnungen', '2026-06-01', '{"sum": 3, "title": "t"}', 'inferred', 'german', 'mod', '[2020-01-01,)')
RETURNING due_at, attributes, title, provenance, confidence, language, model, lower(system_period) = now() AS since_now;
SELECT content FROM recall('mem', 'w', 'Rechnung');
SELECT provenance, language, model, attributes FROM mem.kind_commitment WHERE namespace = 'v';
-- What an UPDATE does not change stays as it was written, declared or not.
UPDATE mem.memory SET attributes = attributes || '{"due_at": "1 June 2026"}' WHERE namespace = 'w';
UPDATE mem.kind_commitment SET attributes = jsonb_set(attributes - 'title', '{sum}', '4') WHERE namespace = 'w' RETURNING due_at, attributes;
SELECT attributes FROM mem.memory WHERE namespace = 'w';
UPDATE mem.kind_commitment SET due_at = '2026-08-01' WHERE namespace = 'w' RETURNING attributes;
SELECT attributes FROM mem.memory WHERE namespace = 'w';
UPDATE mem.kind_commitment SET attributes = NULL, provenance = 'observed', language = 'simple', model = NULL, system_period = '(,)' WHERE namespace = 'w'
RETURNING due_at, attributes, provenance, language, model, lower(system_period) = now() AS since_now;
SELECT content FROM recall('mem', 'w', 'Rechnung');
UPDATE mem.kind_commitment SET due_at = NULL WHERE namespace = 'w';
SELECT attributes IS NULL AS none FROM mem.memory WHERE namespace = 'w';
-- A kind that declares nothing.
INSERT INTO mem.kind_fact (namespace, content, attributes) VALUES ('w', 'x', '{"a": {"b": 1}, "c": null}') RETURNING attributes;
UPDATE mem.kind_fact SET attributes = jsonb_set(attributes, '{a,b}', '2') WHERE namespace = 'w' RETURNING attributes;
COPY mem.kind_fact (namespace, content, attributes, language) FROM stdin;
c	copied	{"d": 5}	english
\.
SELECT attributes, language FROM mem.memory WHERE content = 'copied';

-- A kind of one's own, with every sort of type.
CREATE DOMAIN public.positive AS int CHECK (value > 0);
SELECT add_kind('mem', 'ticket', 'working', 'A ticket', '{
  "number": {"type": "public.positive", "required": true, "meaning": "What it is called by"},
  "labels": "text[]", "matrix": "float8[]", "raw": "jsonb", "raws": "jsonb[]", "price": "numeric(6,2)", "open": "boolean", "day": "date",
  "span": "int4range", "od''d \"name\"%": "text", "($1)": "int", "r": "int", "v": "int", "a": "int", "n": "int"}', half_life => '10 days', confidence_low => 0.2, confidence_high => 0.4);
SELECT name, type, required, meaning FROM mem.kind_attribute WHERE kind = 'ticket' ORDER BY name;
SELECT class, half_life, supersede, repeat, validity, confidence_low, confidence_high, retired FROM mem.kind WHERE name = 'ticket';
INSERT INTO mem.kind_ticket (namespace, content, number, labels, matrix, raw, raws, price, open, day, span, "od'd ""name""%")
VALUES ('t', 'broken lamp', 1, '{a,NULL,"b c"}', '{1.5,-2}', '{"x": [1, null]}', ARRAY['1', '{"a": "b"}']::jsonb[], 12.5, true, '2026-02-03', '[1,5)', 'q')
RETURNING confidence, number, labels, matrix, raw, raws, price, open, day, span, "od'd ""name""%";
SELECT attributes FROM mem.memory WHERE namespace = 't';
SELECT action FROM remember('mem', 't', 'broken chair', 'ticket', attributes => '{"number": "2", "labels": [], "raw": "text", "open": "yes", "price": 7}');
SELECT number, labels, raw, open, price FROM mem.kind_ticket WHERE content = 'broken chair';
SELECT col_description('mem.kind_ticket'::regclass, attnum) FROM pg_attribute
WHERE attrelid = 'mem.kind_ticket'::regclass AND attname IN ('number', 'content') ORDER BY attnum;

INSERT INTO mem.kind_ticket (namespace, content, number, "($1)", r, v, a, n) VALUES ('t', 'names', 9, 1, 2, 3, 4, 5) RETURNING "($1)", r, v, a, n;
UPDATE mem.kind_ticket SET "($1)" = 6, r = NULL, attributes = '{"m": 7}' WHERE content = 'names' RETURNING "($1)", r, v, a, n, attributes;

-- Changing it: declarations are added, changed and taken back; grants stay.
CREATE ROLE kinds_reader;
GRANT SELECT ON mem.kind_ticket TO kinds_reader;
SELECT alter_kind('mem', 'ticket', meaning => 'An order to repair', attributes => '{"number": {"required": false, "type": "bigint"}, "price": null, "seen": "timestamptz"}');
SELECT meaning, half_life FROM mem.kind WHERE name = 'ticket';
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'mem.kind_ticket'::regclass AND attname IN ('number', 'price', 'seen') ORDER BY attname;
SELECT has_table_privilege('kinds_reader', 'mem.kind_ticket', 'SELECT') AS granted;
-- What was taken back is an attribute like any other.
SELECT attributes -> 'price' AS price FROM mem.memory WHERE content = 'broken lamp';

-- A retired kind keeps its memories.
SELECT retire_kind('mem', 'ticket');
UPDATE mem.kind_ticket SET number = 3 WHERE number = 2 RETURNING number;
SELECT content FROM recall('mem', 't', 'lamp');
SELECT alter_kind('mem', 'ticket', retired => false);
SELECT action FROM remember('mem', 't', 'broken door', 'ticket');

-- A policy takes its default again; the class is a label, but for vault.
SELECT alter_kind('mem', 'ticket', supersede => 'annotate', repeat => 'keep', validity => 'occurrence', conflict_threshold => 0.5);
SELECT half_life, supersede, repeat, validity, conflict_threshold, confidence_low, confidence_high FROM mem.kind WHERE name = 'ticket';
SELECT alter_kind('mem', 'ticket', clear => '{half_life,supersede,confidence_low,confidence_high}', class => 'resource', confidence_low => NULL);
SELECT class, half_life, supersede, repeat, validity, conflict_threshold, confidence_low, confidence_high FROM mem.kind WHERE name = 'ticket';
SELECT alter_kind('mem', 'ticket', clear => '{repeat,validity,conflict_threshold}');
SELECT half_life, supersede, repeat, validity, conflict_threshold, confidence_low, confidence_high FROM mem.kind WHERE name = 'ticket';
-- Default confidences are two, or none.
SELECT alter_kind('mem', 'ticket', confidence_low => 0.5);
SELECT alter_kind('mem', 'ticket', confidence_low => 0.5, confidence_high => 0.5);
SELECT alter_kind('mem', 'ticket', clear => '{confidence_low}');
SELECT alter_kind('mem', 'ticket', confidence_high => 0.75);
SELECT confidence_low, confidence_high FROM mem.kind WHERE name = 'ticket';
UPDATE mem.kind SET confidence_low = NULL WHERE name = 'ticket';
SELECT alter_kind('mem', 'ticket', clear => '{confidence_low,confidence_high}');
SELECT add_kind('mem', 'half', 'semantic', 'Half a band', confidence_high => 1);
SELECT add_kind('mem', 'pin', 'semantic', 'A number', '{"for": "text"}');
SELECT alter_kind('mem', 'pin', class => 'vault');
SELECT to_regclass('mem.kind_pin') AS view;
SELECT alter_kind('mem', 'pin', attributes => '{"of": "text"}');
SELECT to_regclass('mem.kind_pin') AS view;
SELECT alter_kind('mem', 'pin', class => 'semantic');
SELECT attname FROM pg_attribute WHERE attrelid = 'mem.kind_pin'::regclass AND attname IN ('for', 'of') ORDER BY attname;
SELECT alter_kind('mem', 'pin', class => 'vault');
SELECT action FROM remember('mem', 'n', 'the door', 'pin', attributes => '{"value": "1234", "of": "house"}');
SELECT id AS pin FROM mem.memory WHERE kind = 'pin' \gset
SELECT reveal('mem', 'n', :pin);

-- What stands in the way in the search_path of who writes is not used.
CREATE SCHEMA trap;
CREATE FUNCTION trap.spring(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.spring(jsonb, jsonb) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.spring(jsonb, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.jsonb_each(jsonb) RETURNS SETOF record LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR trap.? (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = trap.spring);
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.spring);
CREATE OPERATOR trap.= (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = trap.spring);
CREATE OPERATOR trap.<> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = trap.spring);
CREATE FUNCTION trap.to_jsonb(bigint) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE DOMAIN trap.text AS pg_catalog.text CHECK (false);
SET search_path = trap, pg_catalog;
INSERT INTO mem.kind_ticket (namespace, content, number, labels, raw, attributes, embedding) VALUES ('s', 'x', 1, '{p,q}', '{"z": 1}', '{"u": 1}', '[1,0]')
RETURNING number, labels, raw, attributes, embedding;
UPDATE mem.kind_ticket SET number = 2, title = 'y', labels = NULL, attributes = '{"w": 1}', provenance = 'observed', language = 'simple', embedding = '[0,1]' WHERE namespace OPERATOR(pg_catalog.=) 's'
RETURNING number, labels, raw, attributes, title, embedding;
SET search_path = public, agentmem;
SET client_min_messages = error;
DROP SCHEMA trap CASCADE;
SET client_min_messages = warning;

-- A store that is renamed keeps its views.
ALTER SCHEMA mem RENAME TO "Me'm %s";
INSERT INTO "Me'm %s".kind_event (namespace, content) VALUES ('r', 'renamed') RETURNING content;
ALTER SCHEMA "Me'm %s" RENAME TO mem;

REVOKE ALL ON mem.kind_ticket FROM kinds_reader;
DROP ROLE kinds_reader;
SELECT drop_store('mem', cascade => true);
DROP DOMAIN public.positive;
