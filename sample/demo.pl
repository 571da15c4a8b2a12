# demo.pl FILE...: loads the files' lines into a new store "demo" of the database demo, and
# asks the questions among them.  Run by ./demo, whose head says what a line may be; psql is
# $CLIENTS/psql, and PGHOST, PGPORT and PGUSER say where the server is.
use strict;
use utf8;
use warnings;

use Encode qw(decode FB_CROAK);
use File::Basename qw(basename dirname);
use IO::Handle;
use IPC::Open2 qw(open2);
use JSON::PP ();

my $width = 96;
my $json = JSON::PP->new;
my $bar = 0;    # a progress bar is on the line where the cursor is
my @where;    # line number of the database => "file:line"
my %count = (loaded => 0, reinforced => 0, rejected => 0);

binmode $_, ':encoding(UTF-8)' for *STDOUT, *STDERR;
STDOUT->autoflush(1);

my ($from, $to);
open2($from, $to, "$ENV{CLIENTS}/psql", '-XAtq', '-d', 'demo');
binmode $_, ':encoding(UTF-8)' for $from, $to;

# Runs one statement whose rows are JSON values, one each; returns them decoded.
sub query
{
	my ($sql) = @_;
	my @rows;

	print $to "$sql;\n\\echo @@ :ERROR\n";
	$to->flush;
	while (my $row = <$from>)
	{
		if ($row =~ /^@@ (true|false)$/)
		{
			die "demo: the server refused: $sql\n" if $1 eq 'true';
			return @rows;
		}
		push @rows, $json->allow_nonref->decode($row);
	}
	die "demo: the connection to the server is lost\n";
}

sub reject
{
	my ($n, $reason) = @_;
	$count{rejected}++;
	print "\r", ' ' x $width, "\r" if $bar;
	print STDERR "$where[$n]: $reason\n";
}

# A bar that moves on a terminal, one line elsewhere.
sub progress
{
	my ($done, $total) = @_;
	if (-t STDOUT)
	{
		my $filled = int(40 * $done / $total);
		$bar = $done < $total;
		printf "\r    [%s%s] %d of %d lines%s", '#' x $filled, '.' x (40 - $filled), $done, $total,
		  $bar ? '' : "\n";
	}
	elsif ($done == $total)
	{
		print "    $total of $total lines\n";
	}
}

# Sends the lines as they are; what cannot be a text value is rejected here.
sub send_lines
{
	my @bad;

	print $to "COPY raw FROM STDIN;\n";
	foreach my $file (@_)
	{
		open my $in, '<:raw', $file or die "demo: cannot read $file: $!\n";
		while (my $line = <$in>)
		{
			my $text = eval { decode('UTF-8', $line, FB_CROAK) };
			next if defined $text && $text =~ /^\x{FEFF}?\s*$/;
			push @where, basename($file) . ":$.";
			if (!defined $text || $text =~ /\0/)
			{
				push @bad, [ $#where, defined $text ? 'contains a zero byte' : 'is not UTF-8' ];
				next;
			}
			$text =~ s/^\x{FEFF}//;
			$text =~ s/\s+$//;
			$text =~ s/\\/\\\\/g;
			$text =~ s/\t/\\t/g;
			$text =~ s/\r/\\r/g;
			print $to "$#where\t$text\n";
		}
		close $in;
	}
	print $to "\\.\n";
	query('INSERT INTO line SELECT r.n, f.* FROM raw r, pg_temp.read(r.line) f');
	reject(@$_) foreach @bad;
	reject($_->{n}, $_->{reason})
	  foreach query('SELECT to_jsonb(l) FROM line l WHERE reason IS NOT NULL ORDER BY n');
	return;
}

sub load_lines
{
	my $step = @where < 1000 ? 20 : 500;
	for (my $n = 0; $n < @where; $n += $step)
	{
		my $last = $n + $step - 1;
		$last = $#where if $last > $#where;
		foreach my $row (query("SELECT to_jsonb(r) FROM pg_temp.load($n, $last) r ORDER BY line"))
		{
			if ($row->{action} eq 'skipped') { reject($row->{line}, $row->{reason}); }
			elsif ($row->{action} eq 'reinforced') { $count{reinforced}++; }
			else { $count{loaded}++; }
		}
		progress($last + 1, scalar @where);
	}
	return;
}

# Text in lines of at most $width columns, three at most; an East Asian character takes two.
# What a file says is shown, not obeyed: no control characters, no references.
sub plain
{
	my ($value) = @_;

	$value = join ', ', map { plain($_) } @$value if ref $value eq 'ARRAY';
	$value = '(an object)' if ref $value;
	$value =~ s/[[:cntrl:]]+/ /g;
	return $value;
}

sub wrapped
{
	my ($text, $indent) = @_;
	my @lines = ('');
	my $column = length $indent;

	$text = plain($text) =~ s/\s+/ /gr;
	foreach my $word ($text =~ /\p{Ea=W}|[^\s\p{Ea=W}]+ ?| /g)
	{
		my $columns = length($word) + ($word =~ /\p{Ea=W}/ ? 1 : 0);
		if ($column + $columns > $width && $lines[-1] ne '')
		{
			if (@lines == 3)
			{
				$lines[-1] .= '…';
				last;
			}
			push @lines, '';
			$column = length $indent;
		}
		$lines[-1] .= $word;
		$column += $columns;
	}
	s/ $// foreach @lines;
	return join '', map { "$indent$_\n" } @lines;
}

# Prints one question with what was recalled; true if evidence was among it.
sub show
{
	my ($question, $n) = @_;
	my $hit = 0;
	my $rank = 0;

	print "\n", defined $question->{id} ? plain($question->{id}) . '  ' : '', plain($question->{query}),
	  defined $question->{valid_at} ? '  (as of ' . plain($question->{valid_at}) . ')' : '', "\n";
	print '     expected: ', plain($question->{answer}), "\n" if defined $question->{answer};
	if (defined $question->{error})
	{
		print "     could not be asked\n";
		reject($n, $question->{error});
		return 0;
	}
	print "     nothing found\n" unless @{ $question->{found} };
	foreach my $memory (@{ $question->{found} })
	{
		my $channels = $memory->{channels} || {};
		$hit ||= $memory->{evidence};
		printf "  %s %d  score %.3f", $memory->{evidence} ? '*' : ' ', ++$rank, $memory->{score} // 0;
		foreach my $name (sort { $b cmp $a } keys %$channels)
		{
			my $channel = $channels->{$name};
			printf "  %s %s (%.3f)", $name, defined $channel->{rank} ? "#$channel->{rank}" : '-',
			  $channel->{score} // 0;
		}
		print "  $memory->{kind}", defined $memory->{date} ? ", $memory->{date}" : '', "\n";
		print wrapped($memory->{content}, ' ' x 7);
	}
	return $hit;
}

open my $setup, '<:encoding(UTF-8)', dirname($0) . '/demo.sql' or die "demo: demo.sql: $!\n";
print $to join '', <$setup>;
close $setup;

print '==> loading ', join(' and ', map { basename($_) } @ARGV), "\n";
send_lines(@ARGV);
my ($dimensions) = query("SELECT coalesce(to_jsonb(pg_temp.dimensions()), 'null')");
query("DO \$\$ BEGIN PERFORM agentmem.create_store('demo', dimensions => "
	  . ($dimensions // 'NULL')
	  . '); END $$');
load_lines();
printf "    %d loaded, %d reinforced, %d rejected (%s)\n", @count{qw(loaded reinforced rejected)},
  $dimensions ? "embeddings of $dimensions dimensions" : 'no embeddings, keyword search only';

my @questions = query("SELECT to_jsonb(n) FROM line WHERE reason IS NULL AND j ? 'query' ORDER BY n");
if (@questions)
{
	my ($hits, $known) = (0, 0);
	my $has_embeddings = $dimensions ? 'true' : 'false';

	print '==> asking ', scalar @questions, " questions; * marks a memory that holds the answer\n";
	foreach my $n (@questions)
	{
		my ($question) = query("SELECT pg_temp.ask($n, $has_embeddings)");
		$known++ if $question->{evidence};
		$hits++ if show($question, $n);
	}
	print "\n==> $hits of $known questions with a known answer have it among the first 5 memories\n"
	  if $known;
}
else
{
	print "==> no questions among the lines; with --keep the server stays up for yours\n";
}
