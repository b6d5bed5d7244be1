#!/bin/sh
# Installs what building RocksDB needs and a fresh Debian or Ubuntu lacks: a C++ compiler and libclang
# (its bindings are generated at build time). Does nothing, quickly, where they are there.
set -eu

missing=
command -v c++ >/dev/null 2>&1 || missing="$missing g++"
command -v cc >/dev/null 2>&1 || missing="$missing gcc"
if [ -z "${LIBCLANG_PATH:-}" ] &&
    ! find /usr/lib /usr/local/lib /usr/lib64 -name 'libclang.so' -o -name 'libclang-[0-9]*.so' 2>/dev/null |
        grep -q .; then
    missing="$missing libclang-dev"
fi

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "setup: please install:$missing (or whatever your system calls them)" >&2
        exit 1
    fi
    sudo=
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "setup: not root and no sudo; please run as root: apt-get install$missing" >&2
            exit 1
        fi
        sudo=sudo
    fi
    echo "setup: installing$missing"
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "setup: no cargo; please install Rust with rustup (https://rustup.rs)" >&2
    exit 1
fi

target=${CARGO_TARGET_DIR:-target}
if [ -z "$(find "$target/debug/build" -name librocksdb.a 2>/dev/null | head -n 1)" ]; then
    echo "setup: the first build compiles RocksDB's C++, about 15 minutes on two cores; later builds reuse it"
fi
