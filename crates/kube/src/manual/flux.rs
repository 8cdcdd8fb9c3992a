//! For people who use Flux: what to do with this tool at each step.
//!
//! Nothing in the cluster changes: Flux decrypts what `sops` here writes, and the other way round. What changes is your
//! side of the repository, and what you learn before you push.
//!
//! # Bootstrap: a key for the cluster
//!
//! ```text
//! sops keygen --output keys.txt                    # prints the recipient; keep the file out of the repository
//! kubectl -n flux-system create secret generic sops-age --from-file=age.agekey=keys.txt
//! ```
//!
//! The name of the entry decides: it must end in `.agekey`. `age.key` or `keys.txt` are ignored by Flux in silence, and the error
//! that follows speaks of a file in the controller's home. [`Keyring::from_entries`](crate::Keyring::from_entries) reports such
//! an entry with the reason.
//!
//! ```yaml
//! # clusters/prod/app.yaml
//! apiVersion: kustomize.toolkit.fluxcd.io/v1
//! kind: Kustomization
//! metadata: {name: app, namespace: flux-system}
//! spec:
//!   decryption: {provider: sops, secretRef: {name: sops-age}}
//!   # sourceRef, path, interval, prune as ever
//! ```
//!
//! Secret and Kustomization must be in one namespace. The label `reconcile.fluxcd.io/watch: Enabled` on the Secret makes a new
//! key count at once.
//!
//! # The repository
//!
//! ```yaml
//! # .sops.yaml
//! creation_rules:
//! - path_regex: .*\.yaml$
//!   encrypted_regex: ^(data|stringData)$
//!   mac_only_encrypted: true
//!   age: age1…            # the cluster, and everybody who may read
//! ```
//!
//! * `encrypted_regex` leaves `kind`, `metadata` and images readable, which kustomize, Flux and people need.
//! * `mac_only_encrypted` lets other tools change plain fields (next section).
//! * One Secret per file, encrypted with `sops encrypt --in-place FILE`. After that only `sops edit` and `sops set`: every
//!   unchanged value keeps its ciphertext, so a diff shows what changed.
//! * Do not let kustomize patch an encrypted object with another encrypted object: Flux merges first and decrypts then, which
//!   cannot work. A generator is fine (`secretGenerator` with `files` or `envs`), also with a plain patch over its result.
//! * `configMapGenerator`, `patchesStrategicMerge`, the old singular `env` and Lists are not decrypted by Flux: the
//!   ciphertext is applied as a value. `sops kustomize-plugin` with `role: validate` finds that in a pull request.
//! * Numbers and booleans under `stringData` must be quoted before they are encrypted; the API server refuses them, and its
//!   refusal prints the value.
//! * Text like `${x}` in a secret is substituted by Flux when `postBuild` is used: add the annotation
//!   `kustomize.toolkit.fluxcd.io/substitute: disabled` to that Secret.
//!
//! # Image automation
//!
//! A marker `# {"$imagepolicy": "flux-system:app"}` is found if it stands at the end of the line of a *plain* value, and stays
//! there: comments of plain values are not encrypted under `encrypted_regex`, and this tool never moves a comment. Under the
//! default rule (everything is encrypted) comments are encrypted too, and automation finds nothing.
//!
//! A bump changes a plain value. With `mac_only_encrypted` the file still verifies; without it Flux does not notice and every
//! other reader refuses the file (`MAC mismatch … a plain field was changed outside sops`). To mend such a file look at it
//! with `sops decrypt --ignore-mac` and seal it again.
//!
//! # Rotation
//!
//! 1. Add the new recipient to `.sops.yaml`; `sops updatekeys` on every file.
//! 2. Put both identities into the Secret, as two lines or two `*.agekey` entries; let it roll out.
//! 3. Remove the old recipient; `sops updatekeys`, then `sops rotate` on every file.
//! 4. Where the old identity leaked, change the values themselves. Remove the old identity from the Secret.
//!
//! # Notifications
//!
//! Messages of Flux about a failed decryption may quote what it read; those of this crate never do. What to look for:
//!
//! | in a message of Flux | means |
//! | --- | --- |
//! | `cannot get sops data key` and a path below `/.config` | the entry of the Secret has a wrong name |
//! | `.sops: field not declared in schema` | `spec.decryption` is missing |
//! | `illegal base64 data at input byte 3` | ciphertext was applied as a value |
//! | `input does not match sops' data format` | a plain value where the rule expects ciphertext: an overlay patch, mostly |
//!
//! # Local builds and Argo CD
//!
//! `kubectl kustomize --enable-alpha-plugins` and `kustomize build --enable-alpha-plugins --enable-exec` call this program as
//! [`ksops`](crate::plugin): link it under that name, in `PATH` for functions and at
//! `$XDG_CONFIG_HOME/kustomize/plugin/viaduct.ai/v1/ksops/ksops` for legacy plugins. Existing configurations work unchanged.
