//! Lets binaries and tests find LibTorch without an exported `LD_LIBRARY_PATH`, and LibTorch find the
//! function that `processor.rs` defines for it. Every crate whose binaries or tests link LibTorch names this
//! file in its `build` key.

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    if let Ok(libtorch) = std::env::var("LIBTORCH") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    }
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg=-Wl,--export-dynamic-symbol=mkl_serv_intel_cpu_true");
    }
}
