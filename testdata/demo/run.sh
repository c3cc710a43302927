#!/bin/sh
# The demonstration that `make demo` runs: one plugin that is trusted, three that must be refused. Offline; needs only `supplychain`.
set -u
cd "$(dirname "$0")/../.." || exit 2

policy="-f testdata/demo/plugin.yaml --offline --trust-root testdata/trust_roots/test-sigstore.json"
failed=0

show() { # what it is, the exit code it must have, the arguments
  printf '\n== %s\n$ supplychain %s\n' "$1" "$3"
  # shellcheck disable=SC2086 # the arguments are words on purpose
  "${SUPPLYCHAIN:-.venv/bin/supplychain}" $3
  code=$?
  echo "exit code $code"
  [ "$code" -eq "$2" ] || { echo "this should have been $2"; failed=1; }
}

show 'the plugin as it was released' 0 \
  "verify $policy --revocations testdata/demo/revocations.json oci-layout:testdata/demo/layout"
show 'one byte of the library changed' 1 \
  "verify $policy --revocations testdata/demo/revocations.json oci-layout:testdata/demo/layout-tampered"
show 'signed by a workflow of another repository' 1 \
  "verify $policy --revocations testdata/demo/revocations.json oci-layout:testdata/demo/layout-other-workflow"
show 'revoked after the release' 1 \
  "verify $policy --revocations testdata/demo/revocations-with-this-plugin.json oci-layout:testdata/demo/layout"
exit "$failed"
