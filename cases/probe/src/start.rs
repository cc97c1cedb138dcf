//! The start of the freestanding program, in place of libc's: no call is made before the first action.
//!
//! The linker takes libc's `_start` (crt1), which calls `__libc_start_main`; that, and the five memory
//! functions that the compiler needs, are here, so nothing of libc ends up in the program.

#![expect(unsafe_code, reason = "start-up code, memory functions and an allocator")]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::arch::asm;
use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int};
use core::hint::black_box;
use core::panic::PanicInfo;
use core::ptr;

const DT_RELA: usize = 7;
const DT_RELASZ: usize = 8;
const R_X86_64_RELATIVE: usize = 8;

/// What crt1's `_start` calls.
///
/// # Safety
/// Only for `_start`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __libc_start_main(_main: usize, argc: c_int, argv: *const *const c_char) -> ! {
    // SAFETY: nothing that needs relocation has been used so far.
    unsafe { relocate() };
    // Must not be inlined: a constant may be read early, and ours hold addresses only from here on.
    let main = black_box(crate::main as extern "C" fn(_, _) -> _);
    ocidiff_probe::sys::exit(main(argc, argv))
}

/// Applies the relative relocations of a static position-independent program: there was no loader to do it.
///
/// # Safety
/// Only at the start. It must not use the global offset table, hence the addresses by assembly.
unsafe fn relocate() {
    let (base, mut entry): (usize, *const [usize; 2]);
    // SAFETY: two addresses; a program without a dynamic section has 0 for the weak symbol.
    unsafe {
        asm!(
            ".weak _DYNAMIC", ".hidden _DYNAMIC", ".hidden __ehdr_start",
            "lea {}, [rip + __ehdr_start]", "lea {}, [rip + _DYNAMIC]",
            out(reg) base, out(reg) entry, options(nomem, nostack, preserves_flags),
        );
    }
    if entry.is_null() {
        return;
    }
    let (mut table, mut size) = (0, 0);
    // SAFETY: the linker's dynamic section ends with a zero tag, and its relocation table is in the image.
    unsafe {
        while (*entry)[0] != 0 {
            match (*entry)[0] {
                DT_RELA => table = (*entry)[1],
                DT_RELASZ => size = (*entry)[1],
                _ => {}
            }
            entry = entry.add(1);
        }
        // A loader, if there was one, has turned the table's place into an address, and relocated everything.
        if table >= base {
            return;
        }
        let mut relocation = (base + table) as *const [usize; 3];
        let end = (base + table + size) as *const [usize; 3];
        while relocation < end {
            let [offset, info, addend] = *relocation;
            if info & 0xffff_ffff == R_X86_64_RELATIVE {
                *((base + offset) as *mut usize) = base + addend;
            }
            relocation = relocation.add(1);
        }
    }
}

/// Reports where, and ends the way a shell would see an abort.
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    ocidiff_probe::complain(&alloc::format!("{info}"));
    ocidiff_probe::sys::exit(134)
}

/// Memory that is taken and never given back: the program is short-lived.
struct Arena(UnsafeCell<Free>);

struct Free {
    next: usize,
    end: usize,
}

#[global_allocator]
static ARENA: Arena = Arena(UnsafeCell::new(Free { next: 0, end: 0 }));

/// The first part does not need a call to the kernel.
static mut FIRST: [u8; 256 << 10] = [0; 256 << 10];

const MORE: usize = 1 << 20;

// SAFETY: the program has one thread.
unsafe impl Sync for Arena {}

// SAFETY: what is handed out lies between `next` and `end`, aligned, and is never handed out twice.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no reference outlives the call.
        let free = unsafe { &mut *self.0.get() };
        if free.end == 0 {
            free.next = (&raw mut FIRST) as usize;
            free.end = free.next + (256 << 10);
        }
        let mut start = free.next.next_multiple_of(layout.align());
        if start + layout.size() > free.end {
            let size = (layout.size() + layout.align()).max(MORE).next_multiple_of(4096);
            let Ok(chunk) = ocidiff_probe::sys::map_memory(size) else {
                return ptr::null_mut();
            };
            free.end = chunk + size;
            start = chunk.next_multiple_of(layout.align());
        }
        free.next = start + layout.size();
        start as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// # Safety
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller gives two regions of `count` bytes.
    unsafe {
        asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack));
    }
    to
}

/// # Safety
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= count {
        // SAFETY: forwards never overwrites what is still to be read.
        return unsafe { memcpy(to, from, count) };
    }
    // SAFETY: as above, backwards from the last byte; the direction flag is put back.
    unsafe {
        asm!(
            "std", "rep movsb", "cld",
            inout("rcx") count => _, inout("rdi") to.add(count).wrapping_sub(1) => _,
            inout("rsi") from.add(count).wrapping_sub(1) => _, options(nostack),
        );
    }
    to
}

/// # Safety
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: c_int, count: usize) -> *mut u8 {
    // SAFETY: the caller gives a region of `count` bytes.
    unsafe {
        asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") byte as u8, options(nostack));
    }
    to
}

/// # Safety
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    for index in 0..count {
        // SAFETY: the caller gives two regions of `count` bytes.
        let (a, b) = unsafe { (*left.add(index), *right.add(index)) };
        if a != b {
            return c_int::from(a) - c_int::from(b);
        }
    }
    0
}

/// # Safety
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> c_int {
    // SAFETY: as for memcmp.
    unsafe { memcmp(left, right, count) }
}

/// # Safety
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const c_char) -> usize {
    let mut count = 0;
    // SAFETY: the caller's text ends with a zero byte.
    while unsafe { *text.add(count) } != 0 {
        count += 1;
    }
    count
}
