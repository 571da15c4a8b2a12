# A figure of the README's benchmarks is one of docs/benchmarks.md, perhaps rounded.
perl -e '
	use strict;
	sub text { local $/; open(my $f, "<", $_[0]) or die "$_[0]: $!\n"; return <$f> }
	sub numbers { return map { tr/,//dr } $_[0] =~ /(?<![\w.,\/(-])(\d[\d,]*(?:\.\d+)?|\.\d+)(?![\w(])/g }
	my @measured = numbers(text("docs/benchmarks.md") =~ tr/*|/  /r);
	my ($said) = text("README.md") =~ /^\| \| agentmem \|.*?\n(.*?)^Read on:/ms or print "README.md has no table of benchmarks\n" and exit;
	# Of a row of the table what follows its name; of the text all.
	for my $number (map { numbers($_ =~ s/^\|[^|]*\|//r =~ tr/|/ /r =~ s/,(?=\s|$)//gr) } split /\n/, $said)
	{
		my $decimals = $number =~ /\.(\d+)$/ ? length($1) : 0;
		print "README.md: $number is not in docs/benchmarks.md\n" unless grep { sprintf("%.${decimals}f", $_) == $number } @measured;
	}
'
exit 0
