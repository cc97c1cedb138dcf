//! A BPF ring buffer, read without a callback; Documentation/bpf/ringbuf.rst.

use std::ffi::c_void;
use std::io;
use std::os::fd::AsFd;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

const BUSY: u32 = 1 << 31;
const DISCARD: u32 = 1 << 30;
/// Length and where the page is, before each record.
const HEADER: usize = 8;

/// The reader's end of a ring: there must be only one at a time.
#[derive(Debug)]
pub(super) struct Ring {
    /// One page with the reader's position.
    consumer: *mut c_void,
    /// One page with the writers' position, then the data, twice, so that a record never wraps.
    producer: *mut c_void,
    page: usize,
    size: usize,
}

// SAFETY: the mappings belong to this value alone, and are unmapped with it.
#[expect(unsafe_code, reason = "the mappings are raw pointers")]
unsafe impl Send for Ring {}

#[expect(unsafe_code, reason = "memory that the kernel writes")]
impl Ring {
    /// Maps the ring, `size` bytes long.
    pub(super) fn map(fd: impl AsFd, size: usize) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let read_write = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let consumer = unsafe { mmap(ptr::null_mut(), page, read_write, MapFlags::SHARED, &fd, 0)? };
        let length = page + 2 * size;
        // SAFETY: the same; read-only.
        let producer = unsafe {
            mmap(
                ptr::null_mut(),
                length,
                ProtFlags::READ,
                MapFlags::SHARED,
                &fd,
                page as u64,
            )
        };
        let ring = |producer| Self {
            consumer,
            producer,
            page,
            size,
        };
        match producer {
            Ok(producer) => {
                // A child has no use for them, and copying its pages' entries at each fork costs time.
                // SAFETY: both are whole mappings that this value owns; what a child has of them changes
                // nothing here.
                unsafe {
                    let _ = madvise(consumer, page, Advice::LinuxDontFork);
                    let _ = madvise(producer, length, Advice::LinuxDontFork);
                }
                Ok(ring(producer))
            }
            Err(error) => {
                // SAFETY: mapped above, not used by anything yet.
                let _ = unsafe { munmap(consumer, page) };
                Err(error.into())
            }
        }
    }

    /// Hands on every record that is there, and frees its room; returns how many there were.
    pub(super) fn read(&mut self, mut take: impl FnMut(&[u8])) -> usize {
        // SAFETY: both mappings begin with an aligned 64-bit position, which the kernel reads and writes as
        // one.
        let (consumer, producer) = unsafe {
            (
                AtomicU64::from_ptr(self.consumer.cast()),
                AtomicU64::from_ptr(self.producer.cast()),
            )
        };
        let mut position = consumer.load(Ordering::Acquire);
        let mut count = 0;
        loop {
            let end = producer.load(Ordering::Acquire);
            let before = position;
            while position < end {
                let at = usize::try_from(position).unwrap_or(0) & (self.size - 1);
                // SAFETY: within the data, whose size is a power of two; records begin at multiples of 8.
                let record = unsafe { self.producer.cast::<u8>().add(self.page + at) };
                // SAFETY: the header is a 32-bit length that the writer sets free last.
                let length = unsafe { AtomicU32::from_ptr(record.cast()) }.load(Ordering::Acquire);
                if length & BUSY != 0 {
                    return count;
                }
                let bytes = (length & !DISCARD) as usize;
                if length & DISCARD == 0 {
                    // SAFETY: the record lies within the doubled data, and the kernel leaves it alone until
                    // the position is moved on below.
                    take(unsafe { std::slice::from_raw_parts(record.add(HEADER), bytes) });
                    count += 1;
                }
                position += (bytes + HEADER).next_multiple_of(8) as u64;
                consumer.store(position, Ordering::Release);
            }
            if before == position {
                return count;
            }
        }
    }
}

#[expect(unsafe_code, reason = "memory that the kernel writes")]
impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` with these lengths, and no reference outlives a call of `read`.
        unsafe {
            let _ = munmap(self.consumer, self.page);
            let _ = munmap(self.producer, self.page + 2 * self.size);
        }
    }
}
