# contrib/mcp: a store as tools for a model, by the client of the protocol's own SDK.
# AGENTMEM_CLIENTS is the directory with the libraries (test/lib/setup.sh makes it).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Clients qw(run_checks);
use Test::More;

run_checks('mcp', 'mcp, psycopg', [ 'test/clients/mcp_tools.py', 'contrib/mcp/agentmem_mcp.py' ], 60);
done_testing();
