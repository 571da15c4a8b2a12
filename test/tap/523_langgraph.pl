# contrib/langgraph: LangGraph's BaseStore, beside its own PostgresStore.
# AGENTMEM_CLIENTS is the directory with the libraries (test/lib/setup.sh makes it).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Clients qw(run_checks);
use Test::More;

run_checks('langgraph', 'langgraph.graph, langgraph.store.postgres, psycopg_pool', [ 'test/clients/langgraph_store.py', 'contrib/langgraph' ], 300);
done_testing();
