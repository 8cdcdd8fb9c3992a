#!/usr/bin/env bash
# The story, then everything that goes wrong, against a real API server. Each `expect` is one assertion.
# Needs: KUBE_BIN, TESTENV (the folder with up.sh), RECONCILER, SOPS; kubectl, git, age-keygen. Works in an empty directory.
set -euo pipefail

passed=0
fail() { echo "FAILED: $*" >&2; exit 1; }
expect() { # text, actual, wanted
  [[ "$2" == "$3" ]] || fail "$1: found '$2', wanted '$3'"
  passed=$((passed + 1)); echo "ok: $1"
}
holds() { # text, whole, part
  [[ "$2" == *"$3"* ]] || fail "$1: '$3' is not in '$2'"
  passed=$((passed + 1)); echo "ok: $1"
}
reconcile() { "$RECONCILER" once >>log 2>&1; }
fails() { if reconcile; then fail "$1: the pass is ready"; fi; passed=$((passed + 1)); echo "ok: $1"; }
password() { kubectl -n tenant-a get secret db -o jsonpath='{.data.password}' | base64 -d; }
ready() { kubectl -n tenant-a get ms "${2:-app}" -o jsonpath="{.status.conditions[?(@.type==\"Ready\")].$1}"; }
status() { kubectl -n tenant-a get ms app -o jsonpath="{.status.$1}"; }
version() { kubectl -n tenant-a get secret db -o jsonpath='{.metadata.resourceVersion}'; }
events() { kubectl -n tenant-a get events -o jsonpath='{range .items[*]}{.reason} {.message}{"\n"}{end}'; }
g() { git -C repo -c user.name=t -c user.email=t@example.org "$@"; }
commit() { g add -A; g commit -qm "$1"; }
plain_files() { find /dev/shm "${TMPDIR:-/tmp}" -maxdepth 1 -name 'sops-reconciler-??????' 2>/dev/null | wc -l; }
trap 'sh "$TESTENV/down.sh" "$PWD/cluster" >/dev/null 2>&1 || true' EXIT

echo "== set up"
KUBECONFIG=$(sh "$TESTENV/up.sh" "$PWD/cluster"); export KUBECONFIG
kubectl apply --server-side -f "$TESTENV/crd.yaml" >/dev/null
kubectl wait --for=condition=Established crd/manifestsyncs.sync.sops-rs.example --timeout=30s >/dev/null
kubectl create namespace tenant-a >/dev/null

echo "== the story"
age-keygen -o keys.txt 2>/dev/null
SOPS_AGE_RECIPIENTS=$(age-keygen -y keys.txt); export SOPS_AGE_RECIPIENTS SOPS_AGE_KEY_FILE=$PWD/keys.txt
kubectl -n tenant-a create secret generic sops-age --from-file=age.agekey=/dev/stdin <keys.txt >/dev/null
git init -q -b main repo && mkdir repo/deploy
kubectl -n tenant-a create secret generic db --from-literal=user=admin --from-literal=password=s3cr3t \
  --dry-run=client -o yaml >repo/deploy/db.yaml
cp repo/deploy/db.yaml before.yaml
printf 'resources: [db.yaml]\n' >repo/deploy/kustomization.yaml
"$SOPS" --encrypt --encrypted-regex '^(data|stringData)$' --in-place repo/deploy/db.yaml
commit one
sync() { # name, path, policy
  kubectl apply -f - >/dev/null <<EOF
apiVersion: sync.sops-rs.example/v1alpha1
kind: ManifestSync
metadata: {name: $1, namespace: tenant-a}
spec:
  source: {git: {directory: $PWD/repo, branch: main}}
  path: $2
  interval: 1m
  prune: true
  policy: $3
  decryption: {provider: sops, secretRef: {name: sops-age}}
EOF
}
sync app deploy recommended
reconcile || fail "the first pass: $(ready message)"
expect "the plain Secret is there" "$(password)" s3cr3t
expect "no field sops" "$(kubectl -n tenant-a get secret db -o jsonpath='{.sops}')" ""
expect "no last-applied annotation" "$(kubectl -n tenant-a get secret db -o jsonpath='{.metadata.annotations}')" ""
expect "one manager" "$(kubectl -n tenant-a get secret db -o jsonpath='{.metadata.managedFields[*].manager}')" sops-reconciler
expect "ready" "$(ready status)" True
expect "the revision" "$(status lastAppliedRevision)" "main@sha1:$(g rev-parse HEAD)"
"$SOPS" -d repo/deploy/db.yaml | cmp - before.yaml || fail "decrypting gives the manifest back"

echo "== idempotence"
before=$(version); told=$(events | wc -l)
reconcile
expect "the resource version stays" "$(version)" "$before"
expect "no new event" "$(events | wc -l)" "$told"

echo "== drift"
kubectl -n tenant-a patch secret db --type merge -p '{"data":{"password":"ZHJpZnQ="}}' >/dev/null
kubectl -n tenant-a label secret db team=x >/dev/null
reconcile
expect "the drift is repaired" "$(password)" s3cr3t
holds "an event names the field" "$(events)" "data.password"
expect "the label of someone else survives" "$(kubectl -n tenant-a get secret db -o jsonpath='{.metadata.labels.team}')" x

echo "== edit"
"$SOPS" set repo/deploy/db.yaml '["data"]["password"]' '"bjN3ZXI="'
expect "three lines change" "$(g diff --numstat | cut -f1,2 | tr '\t' ' ')" "3 3"
commit two
reconcile
expect "the edit arrives" "$(password)" n3wer
good=$(status lastAppliedRevision)

echo "== tamper"
sed -i 's/^\( *\)password: ENC.*/\1password: ""/' repo/deploy/db.yaml
commit tamper
fails "a blanked value"
expect "reason" "$(ready reason)" IntegrityCheckFailed
holds "the message names the file" "$(ready message)" deploy/db.yaml
expect "the Secret stays" "$(password)" n3wer
expect "the applied revision stays" "$(status lastAppliedRevision)" "$good"
expect "the attempted one is new" "$(status lastAttemptedRevision)" "main@sha1:$(g rev-parse HEAD)"
sync app deploy flux-compat
reconcile || fail "flux-compat: $(ready message)"
expect "Flux would blank it" "$(password)" ""
sync app deploy recommended
g reset -q --hard HEAD~1
reconcile || fail "after the reset: $(ready message)"
expect "mended" "$(password)" n3wer

echo "== keys"
kubectl -n tenant-a delete secret sops-age >/dev/null
fails "no Secret"
expect "reason" "$(ready reason)" DecryptionSecretNotFound
holds "the message names it" "$(ready message)" tenant-a/sops-age
kubectl -n tenant-a create secret generic sops-age --from-file=age.key=/dev/stdin <keys.txt >/dev/null
fails "a wrong name"
expect "reason" "$(ready reason)" DecryptionKeyMissing
holds "the message names the entry" "$(ready message)" age.key
holds "it says what the name must be" "$(ready message)" "must end in .agekey"
kubectl -n tenant-a delete secret sops-age >/dev/null
age-keygen -o other.txt 2>/dev/null
kubectl -n tenant-a create secret generic sops-age --from-file=age.agekey=/dev/stdin <other.txt >/dev/null
fails "a foreign key"
expect "reason" "$(ready reason)" DecryptionKeyMissing
holds "wanted" "$(ready message)" "$SOPS_AGE_RECIPIENTS"
holds "present" "$(ready message)" "$(age-keygen -y other.txt)"
kubectl -n tenant-a delete secret sops-age >/dev/null
cat other.txt keys.txt | kubectl -n tenant-a create secret generic sops-age --from-file=age.agekey=/dev/stdin >/dev/null
reconcile || fail "two identities: $(ready message)"
expect "ready without a commit" "$(ready status)" True

echo "== kill in mid-apply"
for n in $(seq 30); do
  kubectl -n tenant-a create configmap "many$n" --from-literal=a="$n" --dry-run=client -o yaml >"repo/deploy/many$n.yaml"
done
(echo resources:; for f in repo/deploy/*.yaml; do n=${f##*/}; [[ $n == kustomization.yaml ]] || echo "- $n"; done) >repo/deploy/k
mv repo/deploy/k repo/deploy/kustomization.yaml
commit many
"$RECONCILER" once >>log 2>&1 & pid=$!
for _ in $(seq 200); do
  [[ $(kubectl -n tenant-a get configmaps -l sync.sops-rs.example/name=app --no-headers 2>/dev/null | wc -l) -gt 0 ]] && break
  sleep 0.02
done
kill -9 $pid 2>/dev/null || true; wait $pid 2>/dev/null || true
find /dev/shm -maxdepth 1 -name 'sops-reconciler-*' -exec rm -rf {} + 2>/dev/null || true
reconcile || fail "after the kill: $(ready message)"
expect "everything is there" "$(kubectl -n tenant-a get configmaps -l sync.sops-rs.example/name=app --no-headers | wc -l)" 30
expect "the inventory too" "$(kubectl -n tenant-a get ms app -o json | grep -c '"kind": "ConfigMap"')" 30

echo "== the API server is away"
before=$(plain_files)
sh "$TESTENV/down.sh" "$PWD/cluster" >/dev/null
fails "a server that is away"
expect "no plain file is left" "$(plain_files)" "$before"
KUBECONFIG=$(sh "$TESTENV/up.sh" "$PWD/cluster"); export KUBECONFIG
reconcile || fail "after the restart: $(ready message)"
expect "ready again" "$(ready status)" True

echo "== no rights"
kubectl -n tenant-a patch ms app --type merge -p '{"spec":{"serviceAccountName":"nobody"}}' >/dev/null
fails "an account without rights"
holds "the text of the server" "$(ready message)" forbidden
kubectl -n tenant-a patch ms app --type merge -p '{"spec":{"serviceAccountName":null}}' >/dev/null

echo "== image bump"
golden=$TESTENV/../../golden/kube
if [[ -d $golden/setter-bump-mac-only ]]; then
  kubectl create namespace app >/dev/null
  sed -n 's/^  "age.agekey": //p' "$golden/setter-bump-mac-only/secret.yaml" | base64 -d >golden.txt
  kubectl -n tenant-a delete secret sops-age >/dev/null
  cat golden.txt keys.txt | kubectl -n tenant-a create secret generic sops-age --from-file=age.agekey=/dev/stdin >/dev/null
  for bump in mac-only full-mac; do
    mkdir -p repo/$bump && cp "$golden/setter-bump-$bump/input.yaml" repo/$bump/x.yaml
  done
  commit bump
  sync mac-only mac-only recommended; sync full-mac full-mac recommended
  reconcile || true
  [[ $(ready reason mac-only) != IntegrityCheckFailed ]] || fail "a bump under mac_only_encrypted verifies"
  expect "a bump under the full MAC" "$(ready reason full-mac)" IntegrityCheckFailed
  holds "the likely cause" "$(ready message full-mac)" "mac_only_encrypted"
  kubectl -n tenant-a delete ms mac-only full-mac --wait=false >/dev/null; reconcile || true
fi

echo "== prune"
kubectl -n tenant-a create configmap mine --from-literal=a=b >/dev/null
printf 'resources: []\n' >repo/deploy/kustomization.yaml
commit prune
reconcile || fail "prune: $(ready message)"
expect "the Secret is gone" "$(kubectl -n tenant-a get secret db --ignore-not-found)" ""
expect "ours stay" "$(kubectl -n tenant-a get configmap/mine secret/sops-age -o name | wc -l)" 2
expect "the inventory is empty" "$(status inventory)" "[]"
kubectl -n tenant-a delete ms app --wait=false >/dev/null
reconcile
expect "the object is gone" "$(kubectl -n tenant-a get ms app --ignore-not-found)" ""

echo "== nothing was told"
told=$(cat log; events; kubectl get ms -A -o yaml)
for canary in s3cr3t n3wer AGE-SECRET-KEY; do
  [[ "$told" != *"$canary"* ]] || fail "$canary was printed"
done
echo "passed: $passed"
