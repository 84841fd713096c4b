//! The instruction sets of the processor, and which of them LibTorch's matrix library, MKL, may use.
//!
//! MKL asks for the processor's vendor before it asks for its instruction sets: processors of other vendors
//! than its own get kernels for AVX2 at most, also where they have AVX-512. It asks through a function that a
//! program may define itself. With the answer given here it chooses by instruction set alone, as it does on
//! its own vendor's processors.

/// Always 1, "choose by instruction set".
///
/// LibTorch calls this function by its name, and finds this one before its own because `build.rs` exports it.
#[expect(
    unsafe_code,
    reason = "the symbol must have MKL's name; nothing in the body is unsafe"
)]
#[unsafe(no_mangle)]
extern "C" fn mkl_serv_intel_cpu_true() -> std::ffi::c_int {
    1
}

/// Whether the processor has instructions for products of bfloat16. Without them LibTorch is many times
/// slower in bfloat16 than in float32.
pub(crate) fn has_bfloat16() -> bool {
    #[cfg(target_arch = "x86_64")]
    let found = std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(target_arch = "aarch64")]
    let found = std::arch::is_aarch64_feature_detected!("bf16");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found = false;
    found
}

/// Whether the processor has instructions for dot products of int8 (VNNI). Without them LibTorch is no faster
/// in int8 than in float32, and its intermediate sums may overflow.
pub(crate) fn has_int8_dot_products() -> bool {
    #[cfg(target_arch = "x86_64")]
    let found =
        std::arch::is_x86_feature_detected!("avx512vnni") || std::arch::is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    let found = false;
    found
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "the dynamic linker is asked as LibTorch asks it")]
    fn the_dynamic_linker_finds_our_answer_before_the_one_of_mkl() {
        // Loads LibTorch, which brings a definition of its own.
        assert!(tch::get_num_threads() > 0);
        // SAFETY: the name ends with a zero.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"mkl_serv_intel_cpu_true".as_ptr()) };
        assert_eq!(
            found.cast_const(),
            mkl_serv_intel_cpu_true as *const std::ffi::c_void
        );
    }
}
