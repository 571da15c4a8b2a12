# Writers, readers, maintenance and VACUUM at once, backends killed: ten minutes of test/bench/soak, or half a one.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "restart_after_crash = on\nfsync = off\nautovacuum = off\nmax_connections = 40\nshared_buffers = 128MB");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE soak');

local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'soak');
my ($stdout, $stderr);
IPC::Run::run([ $^X, 'test/bench/soak/soak.pl', $ENV{AGENTMEM_FULL} ? 600 : 30 ], '>', \$stdout, '2>', \$stderr);
# A third of half a minute is too short for a leak to be told from caches that fill.
my @faults = grep { $ENV{AGENTMEM_FULL} || !/kB in the middle third/ } $stdout =~ /^FAIL (.*)/mg;
is(join("\n", @faults), '', 'no fault') or diag($stderr);
like($stdout, qr/^(ok|FAIL) all: /m, 'all was looked at') or diag($stdout, $stderr);
note($stdout);

$node->stop;
done_testing();
