#!/bin/sh
# Find or install the programs that the tests drive: Chromium, espeak-ng, and on Linux strace. Fails where one cannot be had.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
	command -v google-chrome >/dev/null 2>&1 || [ -d "/Applications/Google Chrome.app" ] || missing="chromium"
command -v espeak-ng >/dev/null 2>&1 || missing="$missing espeak-ng"
[ "$(uname)" != Linux ] || command -v strace >/dev/null 2>&1 || missing="$missing strace"
[ -n "$missing" ] || exit 0

as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
if command -v apt-get >/dev/null 2>&1; then
	echo "Installing:$missing"
	$as_root apt-get update -qq
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq $missing >/dev/null
elif command -v brew >/dev/null 2>&1; then
	# shellcheck disable=SC2086
	brew install --quiet $missing
else
	echo "The tests need$missing; install them with your system's package manager." >&2
	exit 1
fi
