#!/bin/sh
# coverage-rustc.sh RUSTC ARGUMENT…: compiles a crate of the workspace with the counters by which libFuzzer sees which code an
# input reaches. Cargo runs it in the place of rustc (RUSTC_WORKSPACE_WRAPPER), for the workspace's own crates alone: the
# dependencies are those of every other build.
set -eu
rustc=$1
shift
case " $* " in
    # A build script runs while the crate is built, without libFuzzer.
    *' --crate-name build_script_build '*) exec "$rustc" "$@" ;;
esac
exec "$rustc" "$@" --cfg fuzzing --check-cfg 'cfg(fuzzing)' \
    -C passes=sancov-module \
    -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
    -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares
