-- Loaded by CREATE EXTENSION only: running the file in psql would make loose objects.
\echo Use "CREATE EXTENSION agentmem" to load this file. \quit

COMMENT ON SCHEMA agentmem IS 'agentmem: long-term memory for AI agents';
-- Functions run as their caller and touch what he may touch: everyone may call them.
GRANT USAGE ON SCHEMA agentmem TO PUBLIC;

