# Every setting that C defines is in the reference.
[ -f docs/reference/settings.md ] || { echo "docs/reference/settings.md is missing"; exit; }
grep -hA1 'DefineCustom[A-Za-z]*Variable(' src/*.c src/*/*.c | grep -oE '"agentmem\.[a-z_]+"' | tr -d '"' |
	while read -r setting; do
		grep -qF "$setting" docs/reference/settings.md || echo "docs/reference/settings.md does not have $setting"
	done
exit 0
