//! Compiles `process_group.cpp` against LibTorch where its c10d has Gloo, and the C++ of `operators`; passes on the
//! linker's arguments of `link/arguments.rs`.

use std::path::Path;

#[path = "../link/arguments.rs"]
mod arguments;
#[path = "../operators/compile.rs"]
mod operators;

fn main() {
    arguments::pass_on();
    println!("cargo::rustc-check-cfg=cfg(has_c10d)");
    println!("cargo::rerun-if-changed=c10d");
    // Set by the build script of torch-sys, which has found LibTorch.
    let Ok(libraries) = std::env::var("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    let libraries = Path::new(&libraries);
    let include = libraries.with_file_name("include");
    operators::compile(&include);
    let has_gloo = include
        .join("torch/csrc/distributed/c10d/ProcessGroupGloo.hpp")
        .exists();
    // LibTorch for Windows has no Gloo of this kind, and that for macOS no c10d at all.
    if !has_gloo || !libraries.join("libtorch_cpu.so").exists() {
        return;
    }
    println!("cargo::rustc-cfg=has_c10d");
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .warnings(false)
        .std("c++17")
        .define("USE_C10D_GLOO", None)
        .define("GLOG_USE_GLOG_EXPORT", None)
        .include("c10d/gloo-declarations")
        .include(include.join("torch/csrc/api/include"))
        .include(&include)
        .file("c10d/process_group.cpp");
    if let Some(headers) = cuda_headers(libraries) {
        build
            .define("LABELPROOF_NCCL", None)
            .define("USE_C10D_NCCL", None);
        for folder in headers {
            build.include(folder);
        }
    }
    build.compile("labelproof_c10d");
}

/// The folders of the headers of NCCL and CUDA, where LibTorch is built for CUDA and all are there: in the folders
/// of pip's packages beside LibTorch (nvidia-nccl, nvidia-cuda-crt and those that torch brings), or where
/// `CUDA_HOME` and `NCCL_HOME` say.
fn cuda_headers(libraries: &Path) -> Option<Vec<std::path::PathBuf>> {
    for name in ["CUDA_HOME", "NCCL_HOME"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if !libraries.join("libtorch_cuda.so").exists() {
        return None;
    }
    let packages = libraries.parent()?.with_file_name("nvidia");
    let mut folders: Vec<std::path::PathBuf> = ["CUDA_HOME", "NCCL_HOME"]
        .into_iter()
        .filter_map(|name| Some(Path::new(&std::env::var_os(name)?).join("include")))
        .collect();
    for package in std::fs::read_dir(packages).into_iter().flatten().flatten() {
        folders.push(package.path().join("include"));
    }
    let has = |header: &str| folders.iter().any(|folder| folder.join(header).exists());
    let needed = ["nccl.h", "cuda_runtime_api.h", "crt/host_config.h"];
    needed.into_iter().all(has).then_some(folders)
}
