# The SQL of docs/howto runs as it stands, and says what the pages say.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @pages = glob('docs/howto/*.md');
plan(skip_all => 'docs/howto is not here') unless @pages;

# Blocks of one kind, without what differs between a page and a terminal: blanks at ends, empty lines.
sub blocks
{
	my ($text, $kind) = @_;
	return $text =~ /^```$kind\n(.*?)^```/msg;
}

sub squeezed
{
	my ($text) = @_;
	return join("\n", grep { /\S/ } map { s/\s+$//r } split(/\n/, $text));
}

$ENV{PGTZ} = 'UTC';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
for my $i (0 .. $#pages)
{
	my $page = slurp_file($pages[$i]);
	my $file = $node->basedir . "/page$i.sql";

	append_to_file($file, join('', blocks($page, 'sql')));
	$node->safe_psql('postgres', "CREATE DATABASE page$i");
	# Errors too, where a page shows one.
	my $said = '';
	IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr("page$i"), '-f', $file ], '>&', \$said);
	$said = squeezed($said =~ s/^psql:\S+ //gmr);
	# A page leaves out what tells nothing; what it shows was said, in this order, and no other error was.
	my ($at, @unsaid) = (0);
	for my $block (map { squeezed($_) } blocks($page, 'text'))
	{
		my $found = index($said, $block, $at);
		if ($found < 0) { push @unsaid, $block; } else { $at = $found + length($block); }
	}
	is(join("\n\n", @unsaid), '', "$pages[$i] runs, and says what it says") or diag($said);
	is(scalar(() = $said =~ /^ERROR/mg), scalar(() = join('', blocks($page, 'text')) =~ /^ERROR/mg), "$pages[$i]: no error but those that it shows");
}

$node->stop;
done_testing();
