//! Keeps a panic of a library that reads bytes from outside from ending the process: a damaged file is the file's fault,
//! and gets a message as any other.
//!
//! Only for calls into such libraries. A panic of this workspace is a bug and has to be seen.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

/// A library panicked on some bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Panicked {
    message: String,
}

/// Calls a library, and turns a panic into an error without a word on the terminal. What `work` was about to change must
/// not be used after an error.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // The hook that prints panics is the process's: one at a time.
    static HOOK: Mutex<()> = Mutex::new(());
    let _one = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    result.map_err(|payload| Panicked {
        message: payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "its reader gave up".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        assert_eq!(contained(|| 3), Ok(3));
        let panicked = contained(|| -> u8 { panic!("no {}", "more") });
        assert_eq!(panicked.unwrap_err().to_string(), "no more");
        assert_eq!(contained(|| 4), Ok(4));
    }
}
