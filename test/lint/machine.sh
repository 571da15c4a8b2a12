# Nothing names the machine it was written on, or where its packages came from.
find . \( -name .git -o -name tmp_check -o -name results -o -name 'output_iso' \) -prune -o -type f -print |
	grep -vE '\.(o|d|so|bc)$|\.flags$|machine\.sh$' | tr '\n' '\0' |
	xargs -0 grep -nIE '(^|[^a-z.])/(work|root|home|var/tmp)/|(deb|security|snapshot)\.debian\.org|proxy=|@[a-z0-9-]+\.(local|internal)'
exit 0
