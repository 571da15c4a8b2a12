-- What create_store and drop_store refuse.
SET search_path = public, agentmem;
SET client_min_messages = warning;
\set VERBOSITY default
\set SHOW_CONTEXT never

SELECT create_store(NULL);
SELECT create_store('s', metric => NULL);
SELECT create_store('s', dimensions => 0);
SELECT create_store('s', dimensions => 16001);
SELECT create_store('s', metric => 'manhattan');
SELECT create_store('s', language => 'klingon');
SELECT create_store('s', partitions => -1);
SELECT create_store('s', partitions => 129);
SELECT create_access_tables('public', 2147483647);
SELECT create_store('public');
SELECT create_store('agentmem');
SELECT create_store('pg_mine');
SELECT create_store('');
SELECT drop_store(NULL);
SELECT drop_store('nowhere');
SELECT drop_store('public');

-- Nothing was left behind.
SELECT count(*) FROM stores;

-- Twice the same name; a failed one leaves the first alone.
SELECT create_store('s', dimensions => 3);
SELECT create_store('s', dimensions => 4);
SELECT dimensions FROM stores WHERE store = 's';
SELECT drop_store('s');

-- Codes.
\set VERBOSITY sqlstate
SELECT create_store('s', dimensions => 0);
SELECT create_store('public');
SELECT create_store('pg_mine');
SELECT drop_store('nowhere');
SELECT drop_store('public');
