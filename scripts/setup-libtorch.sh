#!/usr/bin/env bash
# LibTorch 2.9.0 in external/libtorch, taken out of PyTorch's wheel for Linux x86-64.
#
#   LIBTORCH=<folder>       use that LibTorch instead; nothing is fetched
#   LIBTORCH_DEVICE=cpu     0.5 GB; the default where nothing is set up yet
#   LIBTORCH_DEVICE=cuda    6 GB, with CUDA's libraries in external/nvidia; external/libtorch/device says which it is
#   KEEP_DOWNLOADS=1        keep the wheels (0.9 GB, for cuda 3.9 GB) in external/downloads
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "${0%"${0##*/}"}./lib.sh"

readonly version=2.9.0
readonly target=external/libtorch
hints_without_download+=("or use a LibTorch $version that you have: LIBTORCH=<the folder with its lib/ and include/> make setup")

main() {
    if [[ -n ${LIBTORCH:-} && $LIBTORCH != "$PWD/$target" ]]; then
        check_own_libtorch
        return
    fi
    choose_device
    if is_complete; then return; fi
    check_machine
    begin libtorch "$gigabytes"
    # Whoever held the lock before us may have done it all.
    if is_complete; then return; fi
    local before=
    if [[ -f $target/device ]]; then before=$(<"$target/device"); fi

    fetch "${lists[@]}"
    if [[ -n $before && $before != "$device" ]]; then forget_bindings; fi
    say "unpacking LibTorch ($device)"
    "unpack_$device"
    mark_done libtorch "$wanted"
    if [[ ${KEEP_DOWNLOADS:-0} != 1 ]]; then
        wheels "${lists[@]}" | while read -r wheel; do rm -f "$wheel"; done
    fi
    say "LibTorch $version ($device) is in \`$target\`"
}

check_own_libtorch() {
    local hint="point \`LIBTORCH\` at the folder that holds lib/ and include/ of LibTorch $version, or unset it and \`make setup\` fetches one"
    if [[ $LIBTORCH != /* ]]; then
        fail "\`LIBTORCH=$LIBTORCH\` is a relative path, which means another folder to each crate that is built" \
            "write it in full: LIBTORCH=$PWD/$LIBTORCH"
    fi
    if [[ ! -e $LIBTORCH/lib/libtorch_cpu.so && ! -e $LIBTORCH/lib/libtorch_cpu.dylib ]]; then
        fail "\`LIBTORCH=$LIBTORCH\` holds no LibTorch: there is no lib/libtorch_cpu.so (or .dylib)" "$hint"
    fi
    if [[ ! -d $LIBTORCH/include ]]; then
        fail "\`LIBTORCH=$LIBTORCH\` holds no header files: there is no include/" "$hint"
    fi
    if [[ -f $LIBTORCH/build-version && -z ${LIBTORCH_BYPASS_VERSION_CHECK:-} ]]; then
        local found
        found=$(<"$LIBTORCH/build-version")
        if [[ ${found%%+*} != "$version" ]]; then
            fail "\`LIBTORCH=$LIBTORCH\` is LibTorch $found, and the bindings are for $version" "$hint"
        fi
    fi
}

# A device that is not asked for is the one that is there: `LIBTORCH_DEVICE=cuda make setup` once is enough.
choose_device() {
    device=${LIBTORCH_DEVICE:-}
    if [[ -z $device && -f $target/device ]]; then device=$(<"$target/device"); fi
    lists=(scripts/requirements-libtorch.txt)
    case ${device:=cpu} in
        cpu) gigabytes=3 ;;
        cuda) gigabytes=11 lists+=(scripts/requirements-cuda.txt) ;;
        *) fail "\`LIBTORCH_DEVICE=$device\` is not a device" "valid are \`cpu\` and \`cuda\`" ;;
    esac
    local list
    wanted="recipe 1, $device"
    for list in "${lists[@]}"; do wanted+=$'\n'$(<"$list"); done
}

is_complete() {
    is_done libtorch "$wanted" "$target"/{include/torch,lib/libtorch.so,lib/libtorch_cpu.so,lib/libc10.so,device}
}

check_machine() {
    local machine
    machine=$(uname -sm)
    if [[ $machine != 'Linux x86_64' ]]; then
        fail "setting up fetches LibTorch for Linux x86_64 only, and this is $machine" \
            "install LibTorch $version for this machine (PyTorch $version from pip holds it: the folder \`torch\`), then run \`LIBTORCH=<that folder> make setup\` and keep LIBTORCH exported"
    fi
    need "${CXX:-c++}" g++
    need unzip unzip
}

# The CPU part alone: 0.4 GB instead of 1.7 GB. Its library names two of CUDA's, which never run.
unpack_cpu() {
    local torch cupti cudart
    { read -r torch && read -r cupti && read -r cudart; } < <(wheels "${lists[@]}")
    unpack "$torch" 'torch/include/*' torch/lib/libtorch_cpu.so torch/lib/libc10.so torch/lib/libgomp.so.1
    unpack "$cupti" nvidia/cuda_cupti/lib/libcupti.so.12
    unpack "$cudart" nvidia/cuda_runtime/lib/libcudart.so.12
    mv "$scratch"/nvidia/*/lib/*.so.12 "$scratch/torch/lib"
    link_libtorch "$scratch/torch/lib"
    finish_libtorch
    rm -rf external/nvidia
}

# The libtorch.so of the wheel needs the CUDA part. It holds nothing itself: the bindings only name it to the linker.
# shellcheck disable=SC2016 # $ORIGIN is for the dynamic linker, not for the shell.
link_libtorch() {
    "${CXX:-c++}" -shared -nostdlib -o "$1/libtorch.so" -Wl,-soname,libtorch.so \
        -Wl,--no-as-needed -L"$1" -ltorch_cpu -lc10 '-Wl,-rpath,$ORIGIN' ||
        fail "could not link \`libtorch.so\`: the message of ${CXX:-c++} is above" "does ${CXX:-c++} work at all?"
}

# The libraries of the wheel look for CUDA's in ../../nvidia/*/lib, so that is where those go. They go first: without
# external/libtorch the part is not done.
unpack_cuda() {
    local wheel
    while read -r wheel; do
        case $wheel in
            */torch-*) unpack "$wheel" 'torch/include/*' 'torch/lib/*' ;;
            *) unpack "$wheel" 'nvidia/*/lib/*.so*' ;;
        esac
    done < <(wheels "${lists[@]}")
    put_in_place nvidia external/nvidia
    finish_libtorch
}

finish_libtorch() {
    echo "$version" >"$scratch/torch/build-version"
    echo "$device" >"$scratch/torch/device"
    put_in_place torch "$target"
}

# The bindings decide when they are built whether to link CUDA, and do not notice that LibTorch changed in its place.
forget_bindings() {
    if ! cargo clean --quiet --locked -p torch-sys -p burn-tch; then
        say "could not clean the bindings of the former LibTorch: run \`cargo clean\` before you build"
    fi
}

main
