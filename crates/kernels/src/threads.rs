//! Parallel loops on the threads that LibTorch itself computes with.
//!
//! After an operation those threads stay awake for some microseconds, so that the next operation starts at
//! once; threads of another pool would compete with them for the processors. They belong to GCC's OpenMP
//! runtime (libgomp), which LibTorch for Linux ships, and are reached through its entry point. Where there is
//! no such library, rayon's threads take over.

use std::ffi::{c_uint, c_void};
use std::mem::transmute;
use std::sync::{LazyLock, Mutex, PoisonError};

/// The type of `GOMP_parallel`, which compilers call for `#pragma omp parallel`. It runs a function with one
/// argument on as many threads as the third parameter says, on all of them for 0, and returns when every
/// thread is done.
type Parallel = unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void), *mut c_void, c_uint, c_uint);

static PARALLEL: LazyLock<Option<Parallel>> = LazyLock::new(find_entry_point);

#[expect(
    unsafe_code,
    reason = "the entry point of a library that may not be loaded is looked up by name"
)]
fn find_entry_point() -> Option<Parallel> {
    // SAFETY: the name ends with a zero, and the function of that name has had this type since GCC 4.9.
    unsafe {
        let address = libc::dlsym(libc::RTLD_DEFAULT, c"GOMP_parallel".as_ptr());
        (!address.is_null()).then(|| transmute::<*mut c_void, Parallel>(address))
    }
}

/// Has this process compute with its share of the processors, where it is one of `processes` on this machine:
/// more threads than processors would wait for each other. What the user set by `OMP_NUM_THREADS` stays.
pub fn share_processors(processes: usize) {
    if std::env::var_os("OMP_NUM_THREADS").is_none() {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        tch::set_num_threads(i32::try_from(all / processes).unwrap_or(1).max(1));
    }
}

/// Calls `work` once for each item, on all threads. Which thread takes which item is not determined.
pub(crate) fn for_each<I>(items: I, work: impl Fn(I::Item) + Sync)
where
    I: ExactSizeIterator<Item: Send> + Send,
{
    for_each_by(*PARALLEL, items, work);
}

fn for_each_by<I>(parallel: Option<Parallel>, items: I, work: impl Fn(I::Item) + Sync)
where
    I: ExactSizeIterator<Item: Send> + Send,
{
    if items.len() < 2 {
        items.for_each(work);
        return;
    }
    let items = Mutex::new(items);
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(item) = next() {
            work(item);
        }
    };
    match parallel {
        Some(parallel) => on_openmp_threads(parallel, &work),
        None => {
            rayon::broadcast(|_| work());
        }
    }
}

#[expect(unsafe_code, reason = "a C library calls back")]
fn on_openmp_threads<F: Fn() + Sync>(parallel: Parallel, work: &F) {
    /// The callback. A panic in `work` aborts the process: it cannot unwind through the C library.
    unsafe extern "C" fn call<F: Fn() + Sync>(work: *mut c_void) {
        // SAFETY: the argument is the pointer made below, and `work` stays borrowed until `parallel` returns.
        let work = unsafe { &*work.cast_const().cast::<F>() };
        work();
    }

    const ALL_THREADS: c_uint = 0;
    const NO_FLAGS: c_uint = 0;
    let argument = std::ptr::from_ref(work).cast_mut().cast();
    // SAFETY: `call` takes such an argument and does not write through it; `F: Sync` may be called by several
    // threads.
    unsafe { parallel(call::<F>, argument, ALL_THREADS, NO_FLAGS) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        let expected: Vec<usize> = (0..1003).map(|place| 1 + place / 10).collect();
        for parallel in [*PARALLEL, None] {
            let mut numbers = vec![0; 1003];
            for_each_by(parallel, numbers.chunks_mut(10).enumerate(), |(place, chunk)| {
                for number in chunk {
                    *number += 1 + place;
                }
            });
            assert_eq!(numbers, expected);
            for_each_by(parallel, numbers.chunks_mut(10).take(0), |_| {
                panic!("there is nothing to do")
            });
        }
    }

    #[test]
    fn the_work_is_done_by_the_threads_of_libtorch() {
        // Sets the number of threads, as every use of LibTorch does.
        let wanted = usize::try_from(tch::get_num_threads()).unwrap();
        let seen = Mutex::new(BTreeSet::new());
        let see = || {
            // Long enough for each thread to get an item.
            std::thread::sleep(Duration::from_millis(20));
            seen.lock()
                .unwrap()
                .insert(format!("{:?}", std::thread::current().id()));
        };
        for_each(0..8 * wanted, |_| see());
        assert_eq!(seen.lock().unwrap().len(), wanted);
        if cfg!(target_os = "linux") {
            assert!(
                PARALLEL.is_some(),
                "LibTorch for Linux brings the library with it"
            );
        }
    }
}
