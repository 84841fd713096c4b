//! Comparisons of floating-point numbers. A NaN is close to nothing.

use std::fmt::Debug;

/// Fails unless two numbers differ by at most `tolerance`.
#[track_caller]
pub fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "found {found:e}, expected {expected:e} ± {tolerance:e}"
    );
}

/// Fails unless two slices are of equal length and their numbers differ by at most `tolerance`, place by
/// place.
#[track_caller]
pub fn assert_all_close<T: Copy + Debug + Into<f64>>(found: &[T], expected: &[T], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "lengths differ");
    for (place, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found.into() - expected.into()).abs() <= tolerance,
            "at {place}: found {found:?}, expected {expected:?} ± {tolerance:e}"
        );
    }
}
