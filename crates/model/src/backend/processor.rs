//! What the processor can do, and what LibTorch's matrix library, MKL, is told of it.
//!
//! MKL looks at the maker of the processor before it looks at what the processor can do: those of other makers than its own
//! get kernels for AVX2 at most, also where they have AVX-512. It asks through a function that a program may define itself.
//! With this answer it goes by the instructions that there are, as it does on its own maker's processors.

/// Always 1: choose by instructions.
///
/// LibTorch calls this function by its name, and finds it before its own because `build.rs` exports it.
#[expect(
    unsafe_code,
    reason = "MKL's name must stay as it is; nothing in the body is unsafe"
)]
#[unsafe(no_mangle)]
extern "C" fn mkl_serv_intel_cpu_true() -> std::ffi::c_int {
    1
}

/// Whether there are instructions that multiply numbers of 16 bits (bfloat16). Without them LibTorch is many times slower than in
/// 32 bits.
pub(super) fn multiplies_in_half() -> bool {
    #[cfg(target_arch = "x86_64")]
    let found = std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(target_arch = "aarch64")]
    let found = std::arch::is_aarch64_feature_detected!("bf16");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found = false;
    found
}

/// Whether there are instructions that add up products of whole numbers of 8 bits (VNNI). Without them LibTorch is no faster than in
/// floats, and its sums may overflow on the way.
pub(super) fn multiplies_int8() -> bool {
    #[cfg(target_arch = "x86_64")]
    let found =
        std::arch::is_x86_feature_detected!("avx512vnni") || std::arch::is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    let found = false;
    found
}
