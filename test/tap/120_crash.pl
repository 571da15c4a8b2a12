# The server is killed: what was committed is recalled by words and by vector, what was not
# is gone, and a statement that was held is recognised.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	SELECT agentmem.create_store('mem', dimensions => 2);
	SELECT agentmem.remember('mem', 'n', 'harbour number ' || i, 'fact', format('[1,%s]', i)::agentmem.vector) FROM generate_series(1, 500) i;
});

my $session = $node->background_psql('postgres');
$session->query_safe(q{BEGIN; SELECT agentmem.remember('mem', 'n', 'never committed lighthouse', 'fact', '[-1,0]')});
my $ask = q{SELECT id, content, score FROM agentmem.recall('mem', 'n', 'harbour number 77', '[1,77]', k => 5)};
my $answer = $node->safe_psql('postgres', $ask);
like($answer, qr/harbour number 77/, 'answered before');

$node->stop('immediate');
$session->{run}->finish;
$node->start;

is($node->safe_psql('postgres', $ask), $answer, 'the same answer after the crash');
is($node->safe_psql('postgres', q{SELECT count(*) FROM agentmem.recall('mem', 'n', 'lighthouse')}), '0', 'nothing of what was not committed');
is($node->safe_psql('postgres', q{SELECT agentmem.count('mem', 'n')}), '500', 'no more and no less');
is($node->safe_psql('postgres', q{SELECT action FROM agentmem.remember('mem', 'n', 'Harbour number 77', 'fact')}), 'reinforced', 'a statement is recognised');
is($node->safe_psql('postgres', q{SELECT action FROM agentmem.remember('mem', 'n', 'never committed lighthouse', 'fact')}), 'inserted', 'and a lost one is new');

$node->stop;
done_testing();
