#!/usr/bin/env bash
# What a person sees is tested with what a person uses: a headless browser for HTML reports, and the shells that completion is
# written for. They come from Debian, not from tools/: installed where they are missing, root runs this, and apt-get is there.
set -euo pipefail

missing=()
for program in chromium fish zsh; do
  command -v "$program" > /dev/null || missing+=("$program")
done
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  echo "not installed: ${missing[*]}; tests that need them are skipped, and fail with REQUIRE_COMPONENTS=1" >&2
  echo "install them with your system's packages, on Debian: apt-get install ${missing[*]}" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"
