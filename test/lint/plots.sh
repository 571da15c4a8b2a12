# The plots are what test/bench/plot.py makes of the figures that are there.
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/test/bench" "$copy/docs"
cp test/bench/plot.py "$copy/test/bench" && cp -r docs/benchmarks "$copy/docs"
rm -f "$copy"/docs/benchmarks/*.svg
PYTHONDONTWRITEBYTECODE=1 python3 "$copy/test/bench/plot.py"
diff -rq docs/benchmarks "$copy/docs/benchmarks" | sed "s|$copy/||g"
exit 0
