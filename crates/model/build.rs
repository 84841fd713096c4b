//! Lets binaries and tests find LibTorch without an exported `LD_LIBRARY_PATH`. Crates that link it share this file.

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    if let Ok(libtorch) = std::env::var("LIBTORCH") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    }
}
