# Ranks and communities against networkx and igraph, where they can be had: eight graphs, both
# directions, several dampings, with and without seeds, to 1e-8.
# AGENTMEM_CLIENTS is the directory with the libraries (test/lib/setup.sh makes it).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Clients qw(run_checks);
use Test::More;

run_checks('python', 'igraph, networkx, psycopg, scipy', ['test/clients/graph_peers.py'], 90);
done_testing();
