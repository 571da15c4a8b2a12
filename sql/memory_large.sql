-- Large contents: kept whole, indexed up to the limit.
SET search_path = public, agentmem;
SELECT create_store('large', dimensions => 2);
-- 1 MB of prose.
SELECT action FROM remember('large', 'n', repeat('the harbour lies still in the morning light and ', 21846) || 'needle', 'episode', '[1,0]');
SELECT octet_length(content) > 1024 * 1024 AS whole, length(lexemes) AS words, tokens > 100000 AS counted FROM large.memory;
SELECT id, tokens FROM recall('large', 'n', 'needle');
-- 1 MB of distinct words: NOTICE, and what comes first is found.
SELECT action FROM remember('large', 'n', 'anchor ' || (SELECT string_agg('w' || to_char(i, 'FM000000000'), ' ') FROM generate_series(1, 96000) i), 'episode');
SELECT octet_length(content) > 1024 * 1024 AS whole, pg_column_size(lexemes) < 200000 AS bounded FROM large.memory WHERE id = 2;
SELECT id FROM recall('large', 'n', 'anchor');
SELECT id FROM recall('large', 'n', 'w000000001');
-- One word of 1 MB is not indexed.
SELECT action FROM remember('large', 'n', repeat('x', 1024 * 1024), 'episode');
SELECT length(lexemes) FROM large.memory WHERE id = 3;
-- Beyond what a memory is.
SELECT remember('large', 'n', repeat('word ', 4 * 1024 * 1024), 'episode');
SELECT count('large', 'n');
SELECT drop_store('large', cascade => true);
