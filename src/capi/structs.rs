//! Structs that cross the boundary and may grow: each begins with `struct_size`, the size that its owner knew.

use crate::error::{Code, Error};
use std::mem::{MaybeUninit, size_of};

/// A plain struct of integers that starts with `uint32_t struct_size`; any bit pattern is a value of it.
///
/// # Safety
/// The type is `repr(C)`, `Copy`, has no padding that matters, and consists of integers and floats only.
pub(crate) unsafe trait Sized32: Copy {
    /// The size of the struct in its first release: a smaller one is refused.
    const SMALLEST: usize;
}

/// Reads a struct of the caller's, which may be older (smaller: the rest is `defaults`) or newer (larger: what we do not
/// know must be zero, or `-E2BIG`), as openat2(2) does.
///
/// # Safety
/// `source` points to `struct_size` readable bytes, `struct_size` being their first four.
pub(crate) unsafe fn read<T: Sized32>(source: *const T, defaults: T, what: &str) -> Result<T, Error> {
    if source.is_null() {
        return Err(Error::invalid(format!("{what} is NULL")));
    }
    // SAFETY: by contract at least the four bytes of struct_size can be read.
    let given = unsafe { source.cast::<u32>().read() } as usize;
    if given < T::SMALLEST {
        return Err(Error::invalid(format!(
            "{what}: struct_size is {given}, the smallest known is {}; was its _init function called?",
            T::SMALLEST
        )));
    }
    // A size that no version will ever have is a struct that was never initialised: do not read that far.
    if given > 64 * 1024 {
        return Err(Error::new(Code::E2BIG, format!("{what}: struct_size {given} is absurd")));
    }
    let mut value = MaybeUninit::new(defaults);
    // SAFETY: both sides have the shorter of the two sizes; T is plain data.
    unsafe {
        std::ptr::copy_nonoverlapping(source.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), given.min(size_of::<T>()));
    }
    for offset in size_of::<T>()..given {
        // SAFETY: below struct_size, which the caller says is readable.
        if unsafe { source.cast::<u8>().add(offset).read() } != 0 {
            return Err(Error::new(
                Code::E2BIG,
                format!(
                    "{what}: byte {offset} is set, but this library ({}) knows only {} bytes",
                    env!("CARGO_PKG_VERSION"),
                    size_of::<T>()
                ),
            ));
        }
    }
    // SAFETY: was initialised with the defaults.
    Ok(unsafe { value.assume_init() })
}

/// Writes `value` into the caller's struct, as much as it has room for, and zeroes what we do not know. Its `struct_size`
/// stays as the caller set it.
///
/// # Safety
/// `target` points to `struct_size` writable bytes, `struct_size` being their first four.
pub(crate) unsafe fn write<T: Sized32>(target: *mut T, value: &T, what: &str) -> Result<(), Error> {
    if target.is_null() {
        return Err(Error::invalid(format!("{what} is NULL")));
    }
    // SAFETY: by contract at least the four bytes of struct_size can be read.
    let given = unsafe { target.cast::<u32>().read() } as usize;
    if given < T::SMALLEST || given > 64 * 1024 {
        return Err(Error::invalid(format!(
            "{what}: struct_size is {given}, set it to sizeof ({} here)",
            size_of::<T>()
        )));
    }
    let known = given.min(size_of::<T>());
    // SAFETY: `known` and then `given - known` bytes lie within what the caller gave; the first four are left alone.
    unsafe {
        let bytes = target.cast::<u8>();
        std::ptr::copy_nonoverlapping((&raw const *value).cast::<u8>().add(4), bytes.add(4), known - 4);
        std::ptr::write_bytes(bytes.add(known), 0, given - known);
    }
    Ok(())
}
