-- Loaded by CREATE EXTENSION only: running the file in psql would make loose objects.
\echo Use "CREATE EXTENSION agentmem" to load this file. \quit

COMMENT ON SCHEMA agentmem IS 'agentmem: long-term memory for AI agents';

