# The SQL of the README runs as it stands, and says what the README says of it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Page qw(run_parts squeezed);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

open(my $file, '<', 'README.md') or plan(skip_all => 'README.md is not here');
my $readme = do { local $/; <$file> };
close($file);
my @blocks = $readme =~ /^```sql\n(.*?)^```/msg;
cmp_ok(scalar(@blocks), '>', 0, 'the README has SQL');

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
for my $block (@blocks)
{
	my ($ret, $stdout, $stderr) = $node->psql('postgres', $block, on_error_stop => 1);
	is($ret, 0, 'it runs') or diag($stderr);
	like($stdout, qr/^1\|reinforced\|\{1\}$/m, 'the same statement is reinforced');
	like($stdout, qr/^1\|Alice moved to Lisbon in March\|/m, 'the question is answered');
	like($stdout, qr/^2\|Alice is allergic to hazelnuts$/m, 'the filter holds');
	like($stdout, qr/^m1 \[\d{4}-\d\d-\d\d\] fact: /m, 'as text for a prompt');
}
# And it looks as it is shown.
my @shown = $readme =~ /^```text\n(.*?)^```/msg;
$node->safe_psql('postgres', 'CREATE DATABASE shown');
my $said = squeezed(join('', run_parts($node, 'shown', \@blocks)));
cmp_ok(scalar(@shown), '>', 0, 'the README has answers');
ok(index($said, squeezed($_)) >= 0, 'this is what is said') or diag("$_\n$said") for @shown;

$node->stop;
done_testing();
