# Programs written for pgvector's client libraries run with `search_path = public, agentmem` and
# nothing else changed; over pgvector, where it is installed, they print the same.
# AGENTMEM_CLIENTS is the directory with the libraries (test/lib/setup.sh makes it).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = $ENV{AGENTMEM_CLIENTS};
plan skip_all => 'AGENTMEM_CLIENTS names no directory with the libraries of test/clients' unless $dir && -d $dir;

my %program = (
	with_psycopg => {
		libraries => "$dir/python/bin/python",
		command => [ "$dir/python/bin/python", 'test/clients/with_psycopg.py' ] },
	with_pg => {
		libraries => "$dir/node/node_modules",
		command => [ 'node', 'test/clients/with_pg.js' ] });
plan skip_all => "no client library could be installed in $dir" unless grep { -e $_->{libraries} } values %program;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

my @databases = ('agentmem');
$node->safe_psql('postgres', 'CREATE DATABASE agentmem');
$node->safe_psql('agentmem', 'CREATE EXTENSION agentmem; ALTER DATABASE agentmem SET search_path = public, agentmem');
if ($node->safe_psql('postgres', q(SELECT count(*) FROM pg_available_extensions WHERE name = 'vector')))
{
	push @databases, 'pgvector', 'both';
	$node->safe_psql('postgres', 'CREATE DATABASE pgvector; CREATE DATABASE "both"');
	$node->safe_psql('pgvector', 'CREATE EXTENSION vector');
	# Beside each other, in the order that a moving program would have.
	$node->safe_psql('both', 'CREATE SCHEMA theirs; CREATE EXTENSION vector SCHEMA theirs; CREATE EXTENSION agentmem;
		ALTER DATABASE "both" SET search_path = public, agentmem, theirs');
}
else
{
	note('pgvector is not installed in this server: the programs run over agentmem only');
}

$ENV{NODE_PATH} = $program{with_pg}{libraries};
# The program's own errors in one language, and no cache beside the sources.
local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, LC_ALL => 'C.UTF-8', PYTHONDONTWRITEBYTECODE => 1);

for my $name (sort keys %program)
{
	my @expected = split /\n/, slurp_file("test/clients/expected/$name.out");
	for my $database (@databases)
	{
		SKIP:
		{
			skip("$name over $database: its libraries are not in $dir", 1) unless -e $program{$name}{libraries};
			# node's library takes the first type called vector, of any schema.
			skip("$name over $database: it cannot tell two types of one name apart", 1)
			  if $name eq 'with_pg' && $database eq 'both';
			local $ENV{PGDATABASE} = $database;
			my ($stdout, $stderr) = ('', '');
			my $ok = IPC::Run::run($program{$name}{command}, '<', \undef, '>', \$stdout, '2>', \$stderr,
				IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
			ok($ok, "$name over $database: runs to its end") or diag($stderr);
			my @got = split /\n/, $stdout;
			is(scalar(@got), scalar(@expected), "$name over $database: every step");
			for my $i (0 .. $#expected)
			{
				my ($step) = $expected[$i] =~ /^(.*?): /;
				is($got[$i], $expected[$i], "$name over $database: $step");
			}
		}
	}
}

$node->stop;
done_testing();
