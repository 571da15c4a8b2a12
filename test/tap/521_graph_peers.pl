# Ranks and communities against networkx and igraph, where they can be had: eight graphs, both
# directions, several dampings, with and without seeds, to 1e-8.
# AGENTMEM_CLIENTS is the directory with the libraries (test/lib/setup.sh makes it).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = ($ENV{AGENTMEM_CLIENTS} // '') . '/python/bin/python';
plan skip_all => 'AGENTMEM_CLIENTS has no Python with the libraries of test/clients' unless -x $python;
plan skip_all => 'networkx and igraph are not installed' if system("$python -c 'import igraph, networkx, psycopg, scipy' 2>/dev/null") != 0;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION agentmem');

local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', LC_ALL => 'C.UTF-8', PYTHONDONTWRITEBYTECODE => 1);
my ($stdout, $stderr) = ('', '');
my $ok = IPC::Run::run([ $python, 'test/clients/graph_peers.py' ], '>', \$stdout, '2>', \$stderr);
ok($ok, 'the program ran, and found no difference') or diag($stderr);
my @lines = split /\n/, $stdout;
cmp_ok(scalar @lines, '>', 90, 'many graphs and options were compared');
for my $line (@lines)
{
	(my $text = $line) =~ s/^(NOT OK|ok) //;
	ok($line =~ /^ok /, $text);
}

$node->stop;
done_testing();
