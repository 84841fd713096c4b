//! Lets binaries and tests find LibTorch without an exported `LD_LIBRARY_PATH`, and LibTorch find the
//! function that `processor.rs` defines for it. Every crate whose binaries or tests link LibTorch names this
//! file in its `build` key.

mod arguments;

fn main() {
    arguments::pass_on();
}
