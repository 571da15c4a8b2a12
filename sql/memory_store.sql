-- Making, listing and dropping stores.
SET search_path = public, agentmem;
SET client_min_messages = warning;

SELECT create_store('shop', dimensions => 3);
SELECT create_store('notes', language => 'german');
SELECT create_store('Odd "Name"', dimensions => 2, metric => 'l2', partitions => 2);
SELECT store, dimensions, metric, language, version, namespaces, memories, size_bytes > 0 AS has_size FROM stores ORDER BY store COLLATE "C";
SELECT owner = current_user AS mine FROM stores WHERE store = 'shop';

-- The eighteen kinds and their policies.
SELECT name, class, half_life, supersede, repeat, validity, conflict_threshold, confidence_low, confidence_high FROM shop.kind ORDER BY name;

-- Ordinary tables, members of nothing.
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('r', 'p', 'S') ORDER BY 1;
SELECT count(*) AS members FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
WHERE d.deptype = 'e' AND c.relnamespace = 'shop'::regnamespace;
SELECT relname, relkind FROM pg_class WHERE relnamespace = '"Odd ""Name"""'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1;

-- A store with partitions is used like one without.
SELECT id, action FROM remember('Odd "Name"', 'a', 'the harbour is calm', embedding => '[1,0]');
SELECT id, action FROM remember('Odd "Name"', 'b', 'the harbour is rough', embedding => '[0,1]');
SELECT id, content FROM recall('Odd "Name"', 'a', 'harbour', '[1,1]');
SELECT namespace, memories FROM namespaces('Odd "Name"');
-- Numbers of the view are those of the last ANALYZE.
ANALYZE "Odd ""Name""".memory, "Odd ""Name""".namespace;
SELECT store, namespaces, memories FROM stores ORDER BY store COLLATE "C";

-- Text only.
SELECT action FROM remember('notes', 'a', 'Die Häfen sind ruhig');
SELECT content FROM recall('notes', 'a', 'Hafen');

-- Dropping: refused while there is something to lose.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT drop_store('notes');
SELECT drop_store('shop');
SELECT drop_store('notes', cascade => true);
SELECT drop_store('Odd "Name"', cascade => true);
SELECT count(*) AS stores FROM stores;
SELECT count(*) AS left_over FROM pg_namespace WHERE nspname IN ('shop', 'notes', 'Odd "Name"');

-- What stands in a store besides its own tables goes only with cascade.
SELECT create_store('shop');
CREATE TABLE shop.mine (a int);
SELECT drop_store('shop');
SELECT drop_store('shop', cascade => true);
