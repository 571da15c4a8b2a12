# Programs of test/clients that print a line a check, `ok NAME` or `NOT OK NAME`, as tests.
package AgentMem::Clients;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT_OK = qw(run_checks);

# run_checks FOLDER, IMPORTS, PROGRAM, LEAST: runs the program (a list: file, arguments) with the Python of
# AGENTMEM_CLIENTS/FOLDER on a server of its own, with agentmem in its database. Skips all without that Python or if it
# cannot import IMPORTS.
sub run_checks
{
	my ($folder, $imports, $program, $least) = @_;
	my $python = ($ENV{AGENTMEM_CLIENTS} // '') . "/$folder/bin/python";
	plan skip_all => "AGENTMEM_CLIENTS has no Python with the libraries of test/clients for $folder" unless -x $python;
	plan skip_all => "Python's $imports cannot be imported" if system("$python -c 'import $imports' 2>/dev/null") != 0;

	my $node = PostgreSQL::Test::Cluster->new('main');
	$node->init;
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION agentmem');

	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', LC_ALL => 'C.UTF-8', PYTHONDONTWRITEBYTECODE => 1);
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run([ $python, @$program ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	ok($ok, "$program->[0] ran to its end") or diag($stderr);
	my @lines = split /\n/, $stdout;
	cmp_ok(scalar @lines, '>', $least, 'it checked much');
	for my $line (@lines)
	{
		(my $text = $line) =~ s/^(NOT OK|ok) //;
		ok($line =~ /^ok /, $text);
	}
	$node->stop;
	return;
}

1;
