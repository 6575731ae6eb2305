# The third tier: everything that a release does, but publishing it.
# shellcheck shell=bash

# What a person who downloads the binary gets beside it.
BESIDE='LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md heatmine.example.toml'

# release --dry
release() {
    if [[ $* != --dry ]]; then
        complain "Usage: ./run release --dry. Nothing is published from here."
        exit 64
    fi
    local version folder
    version=$(workspace_version)
    folder=$CACHE/dist/$version
    need_packages build test
    need_compiler
    need_rust_tools
    checks
    one_check "One version everywhere: $version" one_version "$version"
    step "Building what is shipped (the first time takes about fifteen minutes on two cores)" build_dist
    rm -rf "$folder"
    mkdir -p "$folder"
    one_check "The binary, packed" pack_binary "$version" "$folder"
    one_check "The binary, unpacked, does its work" try_binary "$version" "$folder"
    one_check "The add-on, as the Supervisor gets it" pack_addon "$version" "$folder"
    (cd "$folder" && sha256sum -- *.tar.gz >SHA256SUMS)
    say "In $folder"
    (cd "$folder" && du -h --apparent-size -- * && cat SHA256SUMS)
    printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
    [[ $FAILED == 0 ]]
}

workspace_version() {
    sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml
}

# one_version VERSION: every place that names the version names this one, and both change logs know of it.
one_version() {
    local version=$1 wrong=0 file pattern
    while IFS='|' read -r file pattern; do
        grep -qE "$pattern" "$file" && continue
        complain "$file has no line $pattern"
        wrong=1
    done <<TEXT
ha-addon/config.yaml|^version: "${version//./\\.}"\$
ha-addon/Dockerfile|io\.hass\.version="${version//./\\.}"
ha-addon/CHANGELOG.md|^## ${version//./\\.}\$
CHANGELOG.md|^## \[(${version//./\\.}|Unreleased)\]
TEXT
    [[ $wrong == 0 ]] && cargo metadata --locked --offline --no-deps --format-version=1 >/dev/null
}

# pack FOLDER NAME: FOLDER/NAME becomes FOLDER/NAME.tar.gz, the same bytes for the same content.
pack() {
    tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime='1980-01-01 00:00Z' -cf - "$2" | gzip -n9 >"$1/$2.tar.gz"
}

pack_binary() {
    local folder=$2 name
    name=heatmine-$1-$(uname -m)-linux
    mkdir "$folder/$name" || return 1
    # shellcheck disable=SC2086 # one word each
    cp "$(binary dist)" $BESIDE "$folder/$name/" && pack "$folder" "$name" && rm -r "${folder:?}/$name"
}

# try_binary VERSION FOLDER: out of the archive, in a folder where nothing else is.
try_binary() {
    local version=$1 folder=$2 place said
    place=$(mktemp -d)
    tar -xzf "$folder"/heatmine-*.tar.gz -C "$place" --strip-components=1 || return 1
    said=$("$place/heatmine" --version) && announce "$said" && [[ $said == "heatmine $version" ]] || return 1
    (cd "$place" && ./heatmine check heatmine.example.toml >/dev/null && ./heatmine device list >/dev/null) || return 1
    rm -r "$place"
}

# pack_addon VERSION FOLDER: what is committed of the store: its description and the add-on's folder. The Supervisor builds
# nothing; it pulls the image that the Dockerfile makes.
pack_addon() {
    local folder=$2 name=heatmine-addon-$1 file
    git rev-parse --verify --quiet HEAD >/dev/null || { complain "this is no git checkout"; return 1; }
    [[ -z $(git status --porcelain -- ha-addon repository.yaml) ]] ||
        announce "what is not committed in ha-addon is not in it"
    git archive --prefix="$name/" HEAD repository.yaml ha-addon | tar -x -C "$folder" || return 1
    for file in repository.yaml ha-addon/{config.yaml,DOCS.md,CHANGELOG.md,README.md,icon.png,logo.png,apparmor.txt,translations/en.yaml}; do
        [[ -s $folder/$name/$file ]] || { complain "$file is missing"; return 1; }
    done
    grep -q 'COPY --from=build /source/target/dist/heatmine ' "$folder/$name/ha-addon/Dockerfile" || {
        complain "the Dockerfile takes another binary than the one built here"
        return 1
    }
    pack "$folder" "$name" && rm -r "${folder:?}/$name"
}
