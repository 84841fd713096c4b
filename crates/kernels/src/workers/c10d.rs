//! PyTorch's c10d: the store by which processes find each other, and the group in which they exchange tensors.
//!
//! Responsible for the calls into `c10d/process_group.cpp`, and for nothing that is said through them.

#![cfg_attr(
    not(has_c10d),
    expect(
        dead_code,
        reason = "without c10d nothing is called, and opening a store says so"
    )
)]

use std::time::Duration;

/// The message of a call that failed.
pub(super) type Outcome<T> = Result<T, String>;

pub(super) use imp::{Group, Store, has_nccl};

#[cfg(has_c10d)]
mod imp {
    #![expect(unsafe_code, reason = "c10d is a library in C++")]

    use std::ffi::{CStr, CString, c_char, c_int, c_void};
    use std::ptr;

    use torch_sys::C_tensor;

    use super::{Duration, Outcome};

    unsafe extern "C" {
        fn c10d_free(text: *mut c_char);
        fn c10d_store_open(
            host: *const c_char,
            port: *mut u16,
            is_server: bool,
            milliseconds: i64,
            store: *mut *mut c_void,
        ) -> *mut c_char;
        fn c10d_store_close(store: *mut c_void);
        fn c10d_store_set(store: *mut c_void, key: *const c_char, value: *const c_char) -> *mut c_char;
        fn c10d_store_has(store: *mut c_void, key: *const c_char, found: *mut bool) -> *mut c_char;
        fn c10d_store_get(
            store: *mut c_void,
            key: *const c_char,
            milliseconds: i64,
            value: *mut *mut c_char,
        ) -> *mut c_char;
        fn c10d_has_nccl() -> bool;
        fn c10d_group_open(
            store: *mut c_void,
            prefix: *const c_char,
            rank: c_int,
            size: c_int,
            on_cuda: bool,
            interface_name: *const c_char,
            host_name: *const c_char,
            milliseconds: i64,
            group: *mut *mut c_void,
        ) -> *mut c_char;
        fn c10d_group_close(group: *mut c_void);
        fn c10d_all_to_all(
            group: *mut c_void,
            output: *const C_tensor,
            input: *const C_tensor,
        ) -> *mut c_char;
        fn c10d_all_gather(
            group: *mut c_void,
            output: *const C_tensor,
            input: *const C_tensor,
        ) -> *mut c_char;
    }

    /// Takes over a text of the C++ side.
    fn taken(text: *mut c_char) -> String {
        // SAFETY: the text is not null, ends with a zero, and is freed once.
        unsafe {
            let owned = CStr::from_ptr(text).to_string_lossy().into_owned();
            c10d_free(text);
            owned
        }
    }

    fn outcome(message: *mut c_char) -> Outcome<()> {
        if message.is_null() {
            return Ok(());
        }
        Err(taken(message))
    }

    /// A text for the C++ side, which ends at its first zero.
    fn c_text(text: &str) -> CString {
        CString::new(text.replace('\0', " ")).expect("no zero is left")
    }

    fn milliseconds(time: Duration) -> i64 {
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
    }

    /// Whether tensors on CUDA devices can be exchanged.
    pub(in super::super) fn has_nccl() -> bool {
        // SAFETY: the function takes nothing and reads a constant.
        unsafe { c10d_has_nccl() }
    }

    /// The key-value store that all processes share; the process that serves it ends it.
    #[derive(Debug)]
    pub(in super::super) struct Store(*mut c_void);

    // SAFETY: c10d's store locks each of its operations.
    unsafe impl Send for Store {}
    // SAFETY: as above.
    unsafe impl Sync for Store {}

    impl Store {
        /// Opens the store, and returns it with its port, which is a free one where a server was given port 0.
        pub(in super::super) fn open(
            host: &str,
            mut port: u16,
            is_server: bool,
            patience: Duration,
        ) -> Outcome<(Self, u16)> {
            let mut store = ptr::null_mut();
            let host = c_text(host);
            // SAFETY: every pointer is valid during the call.
            outcome(unsafe {
                c10d_store_open(
                    host.as_ptr(),
                    &raw mut port,
                    is_server,
                    milliseconds(patience),
                    &raw mut store,
                )
            })?;
            Ok((Self(store), port))
        }

        pub(in super::super) fn set(&self, key: &str, value: &str) -> Outcome<()> {
            let (key, value) = (c_text(key), c_text(value));
            // SAFETY: the store is open until it is dropped; both texts end with a zero.
            outcome(unsafe { c10d_store_set(self.0, key.as_ptr(), value.as_ptr()) })
        }

        /// Whether the key is there now.
        pub(in super::super) fn has(&self, key: &str) -> Outcome<bool> {
            let key = c_text(key);
            let mut found = false;
            // SAFETY: as in `set`.
            outcome(unsafe { c10d_store_has(self.0, key.as_ptr(), &raw mut found) })?;
            Ok(found)
        }

        /// Waits for a key.
        pub(in super::super) fn get(&self, key: &str, patience: Duration) -> Outcome<String> {
            let key = c_text(key);
            let mut value = ptr::null_mut();
            // SAFETY: as in `set`; the value is set where nothing failed.
            outcome(unsafe { c10d_store_get(self.0, key.as_ptr(), milliseconds(patience), &raw mut value) })?;
            Ok(taken(value))
        }
    }

    impl Drop for Store {
        fn drop(&mut self) {
            // SAFETY: the pointer came from `open`, and nothing uses it afterwards.
            unsafe { c10d_store_close(self.0) }
        }
    }

    /// The connections between the processes.
    #[derive(Debug)]
    pub(in super::super) struct Group(*mut c_void);

    // SAFETY: c10d's groups may be called from any thread, one call at a time.
    unsafe impl Send for Group {}

    impl Group {
        /// Connects `size` processes, of which this is `rank`, by what they write into the store below
        /// `prefix`. Of `interface` and `host` the one that is not empty names this machine's address.
        pub(in super::super) fn open(
            store: &Store,
            prefix: &str,
            [rank, size]: [usize; 2],
            on_cuda: bool,
            [interface, host]: [&str; 2],
            patience: Duration,
        ) -> Outcome<Self> {
            let number = |value: usize| c_int::try_from(value).map_err(|error| error.to_string());
            let mut group = ptr::null_mut();
            let [prefix, interface, host] = [prefix, interface, host].map(c_text);
            // SAFETY: the store is open, and every pointer is valid during the call.
            outcome(unsafe {
                c10d_group_open(
                    store.0,
                    prefix.as_ptr(),
                    number(rank)?,
                    number(size)?,
                    on_cuda,
                    interface.as_ptr(),
                    host.as_ptr(),
                    milliseconds(patience),
                    &raw mut group,
                )
            })?;
            Ok(Self(group))
        }

        /// Sends the n-th of as many equal parts of `input` as there are processes to process n, and receives
        /// a part from each.
        pub(in super::super) fn all_to_all(
            &self,
            output: &mut tch::Tensor,
            input: &tch::Tensor,
        ) -> Outcome<()> {
            // SAFETY: the group is open until it is dropped; both tensors live during the call, which waits
            // for the exchange, and nobody else has the output.
            outcome(unsafe { c10d_all_to_all(self.0, output.as_ptr(), input.as_ptr()) })
        }

        /// Receives the input of every process.
        pub(in super::super) fn all_gather(
            &self,
            output: &mut tch::Tensor,
            input: &tch::Tensor,
        ) -> Outcome<()> {
            // SAFETY: as in `all_to_all`.
            outcome(unsafe { c10d_all_gather(self.0, output.as_ptr(), input.as_ptr()) })
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            // SAFETY: the pointer came from `open`, and nothing uses it afterwards.
            unsafe { c10d_group_close(self.0) }
        }
    }
}

#[cfg(not(has_c10d))]
mod imp {
    use super::{Duration, Outcome};

    /// A LibTorch without c10d connects nothing.
    #[derive(Debug)]
    pub(in super::super) enum Store {}

    #[derive(Debug)]
    pub(in super::super) enum Group {}

    pub(in super::super) fn has_nccl() -> bool {
        false
    }

    impl Store {
        pub(in super::super) fn open(_: &str, _: u16, _: bool, _: Duration) -> Outcome<(Self, u16)> {
            Err("this build's LibTorch has no c10d".to_owned())
        }

        pub(in super::super) fn set(&self, _: &str, _: &str) -> Outcome<()> {
            match *self {}
        }

        pub(in super::super) fn has(&self, _: &str) -> Outcome<bool> {
            match *self {}
        }

        pub(in super::super) fn get(&self, _: &str, _: Duration) -> Outcome<String> {
            match *self {}
        }
    }

    impl Group {
        pub(in super::super) fn open(
            store: &Store,
            _: &str,
            _: [usize; 2],
            _: bool,
            _: [&str; 2],
            _: Duration,
        ) -> Outcome<Self> {
            match *store {}
        }

        pub(in super::super) fn all_to_all(&self, _: &mut tch::Tensor, _: &tch::Tensor) -> Outcome<()> {
            match *self {}
        }

        pub(in super::super) fn all_gather(&self, _: &mut tch::Tensor, _: &tch::Tensor) -> Outcome<()> {
            match *self {}
        }
    }
}
