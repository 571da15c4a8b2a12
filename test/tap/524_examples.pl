# contrib/examples/*/memory.*, the same program for psql, Python and node: each says what the others say, and again when it is run again.
# AGENTMEM_CLIENTS is the directory with the libraries (test/lib/setup.sh makes it); psql needs none.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan(skip_all => 'contrib/examples is not here') unless -d 'contrib/examples';
my $dir = $ENV{AGENTMEM_CLIENTS} // '';
my %program = (
	node => { libraries => "$dir/node/node_modules", command => [ 'node', 'contrib/examples/node/memory.js' ] },
	psql => { command => [ 'psql', '-X', '-f', 'contrib/examples/psql/memory.sql' ] },
	python => { libraries => "$dir/python/bin/python", command => [ "$dir/python/bin/python", 'contrib/examples/python/memory.py' ] });
my $expected = <<'END';
Alice lives in Porto
Alice lives in Lisbon
m1 [2024-03-01] fact: Bob plays the cello
END

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
local %ENV = (%ENV, NODE_PATH => $program{node}{libraries}, PGHOST => $node->host, PGPORT => $node->port, LC_ALL => 'C.UTF-8', PYTHONDONTWRITEBYTECODE => 1);
for my $name (sort keys %program)
{
	my ($libraries, $command) = @{ $program{$name} }{ 'libraries', 'command' };
	SKIP:
	{
		skip("$name: its libraries are not there", 3) if defined $libraries && !-e $libraries;
		$node->safe_psql('postgres', "CREATE DATABASE $name");
		local $ENV{PGDATABASE} = $name;
		for my $time ('once', 'again')
		{
			my ($stdout, $stderr) = ('', '');
			IPC::Run::run($command, '<', \undef, '>', \$stdout, '2>', \$stderr, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
			is("$stdout$stderr", $expected, "$name, $time");
		}
		is($node->safe_psql($name, 'SELECT count(*) FROM example.memory'), '3', "$name: nothing is there twice");
	}
}

$node->stop;
done_testing();
