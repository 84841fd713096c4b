//! Compiles the C++ of this folder against LibTorch, for the build script of the crate.

use std::path::Path;

/// Compiles it into a library of its own. `include` is the folder of LibTorch's headers.
pub(crate) fn compile(include: &Path) {
    println!("cargo::rerun-if-changed=operators");
    cc::Build::new()
        .cpp(true)
        .warnings(false)
        .std("c++17")
        .define("GLOG_USE_GLOG_EXPORT", None)
        .include(include.join("torch/csrc/api/include"))
        .include(include)
        .file("operators/operators.cpp")
        .file("operators/calls.cpp")
        .compile("labelproof_operators");
}
