// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
//
// The kernel's side of the eBPF recorder. It sends what the followed tasks do to the ring of their run: forks,
// execs, exits, and calls as they leave. Everything else on the machine costs one look into the task's own
// storage.
//
// A call is reported when it leaves: a call that seccomp answers never reaches sys_enter, and strings are in
// memory by then. Only execve, execveat and close are also reported when they enter: a successful one leaves
// nothing to look at.

#include <linux/bpf.h>
#include <linux/version.h>
#include <asm-generic/errno.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// The few fields of the kernel's own structures that are read; libbpf finds out where they are.
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs {
	unsigned long r10, r9, r8, bp, bx, ax, cx, dx, si, di, orig_ax, ip;
};
struct qstr {
	u32 len;
	const unsigned char *name;
};
struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};
struct super_block {
	unsigned long s_magic;
};
struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct super_block *d_sb;
};
struct vfsmount {
	struct dentry *mnt_root;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	struct path f_path;
};
struct fdtable {
	u32 max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct upid {
	int nr;
	void *ns;
};
struct pid {
	u32 level;
	struct upid numbers[1];
};
struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
};
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live;
};
struct thread_info {
	u32 status;
};
struct seccomp {
	int mode;
};
struct task_struct {
	struct thread_info thread_info;
	struct seccomp seccomp;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct files_struct *files;
	struct mm_struct *mm;
	struct signal_struct *signal;
	int exit_code;
};
struct kernel_siginfo {
	int si_code;
};
struct sigaction {
	unsigned long sa_flags;
};
struct k_sigaction {
	struct sigaction sa;
};
struct linux_binprm {
	const char *filename;
	int argc, envc;
};
#pragma clang attribute pop

// ---- numbers of the kernel's own: asm/unistd_64.h, unistd_x32.h, unistd_32.h, asm-generic/siginfo.h, linux/signal.h ----

enum call_64 { CLOSE = 3, RT_SIGRETURN = 15, EXECVE = 59, EXECVEAT = 322 };
enum call_x32 { X32_RT_SIGRETURN = 0x40000201, X32_EXECVE = 0x40000208, X32_EXECVEAT = 0x40000221 };
enum call_32 { CLOSE_32 = 6, EXECVE_32 = 11, SIGRETURN_32 = 119, RT_SIGRETURN_32 = 173, EXECVEAT_32 = 358 };
#define SIGSYS 31
#define SYS_SECCOMP 1
#define SA_IMMUTABLE 0x00800000

// ---- shared with layout.rs: numbers, layouts ----

#define MAX_RUNS 256
#define MAX_NUMBERS 1024 // syscall numbers by architecture that have a shape; higher ones do not
#define SCRATCH 16384
#define SLACK 8192 // after the last place at which anything may begin
#define ROOM (SCRATCH - 1024)
#define MAX_STRING 260 // ocidiff keeps 256 bytes and must see that there was more
#define MAX_BLOCK 4096 // of arguments or of an environment
// The addresses under which an execve's parts are sent.
#define ENVIRONMENT 1
#define FILENAME 2
#define ARGUMENTS 3
#define MAX_LIST 33
#define MAX_DEPTH 24

enum state {
	SILENT = 1, // the harness itself: followed for its children only
	MUTED = 2, // a child of the harness that has not yet become a runtime
	SETUP = 3, // a runtime, or what it started
	WORKLOAD = 4, // from the execve of the run's init on
};

enum kind { CALL = 1, ENTER, FORK, EXEC, END, TRAP };

enum flag {
	OF_WORKLOAD = 1,
	COMPAT = 2, // i386
	GROUP_DEAD = 4,
};

// What each argument points to, four bits each; then bits for the whole call.
enum shape { NOTHING, STRING, BUFFER, WORDS3, WORDS5, DESCRIPTOR };
#define RETURNS_DESCRIPTOR (1u << 24)
#define IS_SETUP (1u << 25)
#define ALWAYS (1u << 26) // makes a task or a program: it is reported even where others are only counted

struct member {
	u32 slot;
	u32 state;
	u32 level; // of the run's pid namespace
	s32 tid; // as that namespace numbers it
	s32 tgid;
	u32 skip; // calls whose leaving is not a call: the fork that made this task, an execve
	u32 returning; // the sigreturn that it is in: once it leaves, the number is gone from the registers
	u32 told; // this many more calls are reported, whatever their number: one was interrupted, or goes on
};

struct run {
	s32 armed; // the init whose execve begins the workload
	u32 everything; // whether calls that are not wanted are reported too
	u64 lost;
	u64 sent[2]; // calls of the workload that were reported: others, wanted ones
	u64 keep; // how many of each are; more are only counted
	u64 wanted[2][MAX_NUMBERS / 64]; // native, i386
};

struct head {
	u32 kind;
	u32 flags;
	s32 tid;
	s32 tgid;
	u32 nr;
	s32 other; // FORK: the child's tid. EXEC: the tid before. END: the exit code
	s64 ret;
	u64 args[6];
};

// Bytes at an address of the caller; fds have a chunk kind of their own.
struct chunk {
	u64 address;
	u32 len;
	u32 is_descriptor;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct member);
} members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_RUNS);
	__type(key, u32);
	__type(value, struct run);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * MAX_NUMBERS);
	__type(key, u32);
	__type(value, u32);
} shapes SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_RUNS);
	__type(key, u32);
	__array(values, struct ring);
} rings SEC(".maps");

// Calls that are only counted.
struct count {
	u32 slot;
	u32 compat;
	u32 nr;
	u32 error; // 0, or the errno
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	// Making all of them beforehand takes longer than everything else.
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 32768);
	__type(key, struct count);
	__type(value, u64);
} counts SEC(".maps");

struct scratch {
	struct head head;
	u8 room[SCRATCH + SLACK];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

// ---- helpers ----

static __always_inline struct run *run_of(struct member *m)
{
	u32 slot = m->slot;

	return bpf_map_lookup_elem(&runs, &slot);
}

static __always_inline struct scratch *begin(u32 kind, struct member *m)
{
	u32 zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &zero);

	if (!s)
		return 0;
	s->head.kind = kind;
	s->head.flags = m->state == WORKLOAD ? OF_WORKLOAD : 0;
	s->head.tid = m->tid;
	s->head.tgid = m->tgid;
	s->head.nr = 0;
	s->head.other = 0;
	s->head.ret = 0;
	return s;
}

static __always_inline void finish(struct scratch *s, struct member *m, u32 used)
{
	u64 size = sizeof(struct head) + used;
	u32 slot = m->slot;
	void *ring = bpf_map_lookup_elem(&rings, &slot);
	struct run *run = run_of(m);

	if (!run)
		return;
	// The compiler must not keep the bounded size anywhere but where the verifier looks for it.
	asm volatile("" : "+r"(size));
	if (size > sizeof(struct scratch))
		size = sizeof(struct scratch);
	if (!ring) {
		__sync_fetch_and_add(&run->lost, 1);
		return;
	}
	// The reader looks every few milliseconds by itself: waking it costs more than the call that is reported.
	if (bpf_ringbuf_output(ring, s, size, BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&run->lost, 1);
}

// A place in the room, bounded in a way that the compiler cannot undo and the verifier sees.
static __always_inline u8 *place(struct scratch *s, u64 at)
{
	asm volatile("%[at] &= %[mask]" : [at] "+r"(at) : [mask] "i"(SCRATCH - 1));
	return &s->room[at];
}

static __always_inline u32 round8(u32 len)
{
	return (len + 7) & ~7u;
}

// Writes what the bytes behind a chunk's head are; returns where the next chunk begins.
static __always_inline u32 tell(struct scratch *s, u32 at, u64 address, u32 len, u32 is_descriptor)
{
	struct chunk *c = (void *)place(s, at);

	c->address = address;
	c->len = len;
	c->is_descriptor = is_descriptor;
	return at + sizeof(*c) + round8(len);
}

// These are global, so that the kernel's verifier checks each of them only once.

__noinline u32 user_string(struct scratch *s, u32 at, u64 address)
{
	long len;

	if (!s || !address)
		return at;
	if (at > ROOM - 1024)
		return at;
	len = bpf_probe_read_user_str(place(s, at + sizeof(struct chunk)), MAX_STRING, (void *)address);
	if (len < 0)
		return at;
	// Of an empty string kernels before 2025 count 0 bytes, without its NUL (mended by "maccess: fix
	// strncpy_from_user_nofault() empty string handling").
	if (!len) {
		*place(s, at + sizeof(struct chunk)) = 0;
		len = 1;
	}
	return tell(s, at, address, len, 0);
}

__noinline u32 user_bytes(struct scratch *s, u32 at, u64 address, u64 len)
{

	if (!s || !address || !len)
		return at;
	if (at > ROOM - 1024)
		return at;
	asm volatile("" : "+r"(len));
	if (len > MAX_STRING)
		len = MAX_STRING;
	if (bpf_probe_read_user(place(s, at + sizeof(struct chunk)), len, (void *)address))
		return at;
	return tell(s, at, address, len, 0);
}

struct list {
	struct scratch *s;
	u64 address;
	u32 at;
	u32 width;
};

static long list_item(u64 index, struct list *list)
{
	u64 where = list->address + index * list->width;
	u64 string = 0;

	if (bpf_probe_read_user(&string, list->width == 4 ? 4 : 8, (void *)where))
		return 1;
	list->at = user_bytes(list->s, list->at, where, list->width);
	if (!string)
		return 1;
	list->at = user_string(list->s, list->at, string);
	return 0;
}

// An argument vector: the pointers, and each string.
static __always_inline u32 user_list(struct scratch *s, u32 at, u64 address, bool compat)
{
	struct list list = {.s = s, .address = address, .at = at, .width = compat ? 4 : 8};

	if (address)
		bpf_loop(MAX_LIST, list_item, &list, 0);
	return list.at;
}

struct walk {
	struct scratch *s;
	struct dentry *dentry;
	struct mount *mount;
	u32 at;
};

static long walk_up(u64 index, struct walk *walk)
{
	struct dentry *dentry = walk->dentry;
	struct mount *mount = walk->mount;
	struct dentry *root = BPF_CORE_READ(mount, mnt.mnt_root);
	struct dentry *parent;
	u32 at = walk->at;
	long len;

	if (dentry == root) {
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount)
			return 1;
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = above;
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (at > ROOM - 1024)
		return 1;
	len = bpf_probe_read_kernel_str(place(walk->s, at), 256, BPF_CORE_READ(dentry, d_name.name));
	if (len <= 0)
		return 1;
	walk->at = at + len;
	if (parent == dentry)
		return 1;
	walk->dentry = parent;
	return 0;
}

// What a descriptor refers to: magic, whether it is unhashed, then the names on the way up to the root of all mounts.
__noinline u32 descriptor(struct scratch *s, u32 at, s64 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct walk walk = {.s = s};
	struct fdtable *table;
	struct file *file = 0;
	struct file **all;
	struct vfsmount *vfs;
	struct dentry *dentry;

	if (!s)
		return at;
	if (at > ROOM - 2048)
		return at;
	table = BPF_CORE_READ(task, files, fdt);
	if (fd < 0 || !table || fd >= BPF_CORE_READ(table, max_fds))
		return at;
	all = BPF_CORE_READ(table, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), all + fd) || !file)
		return at;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	walk.dentry = dentry;
	vfs = BPF_CORE_READ(file, f_path.mnt);
	walk.mount = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	walk.at = at + sizeof(struct chunk) + 8;
	*(u32 *)place(s, at + sizeof(struct chunk)) = BPF_CORE_READ(dentry, d_sb, s_magic);
	*(u32 *)place(s, at + sizeof(struct chunk) + 4) =
		BPF_CORE_READ(dentry, d_hash.pprev) == 0 && BPF_CORE_READ(dentry, d_parent) != dentry;
	bpf_loop(MAX_DEPTH, walk_up, &walk, 0);
	return tell(s, at, fd, walk.at - at - sizeof(struct chunk), 1);
}

static __always_inline bool begins(const char *text, const char *with, u32 len)
{
	for (u32 i = 0; i < len; i++)
		if (text[i] != with[i])
			return false;
	return true;
}

// A path that leads through a descriptor, /proc/self/fd/8 or /proc/thread-self/fd/8: what that refers to.
__noinline u32 through_descriptor(struct scratch *s, u32 string, u32 at)
{
	const char self[] = "/proc/self/fd/";
	const char thread[] = "/proc/thread-self/fd/";
	char text[32] = {};
	u32 begin = sizeof(self) - 1;
	s64 fd = 0;
	bool any = false;

	if (!s || at <= string)
		return at;
	bpf_probe_read_kernel(text, sizeof(text) - 1, place(s, string + sizeof(struct chunk)));
	if (!begins(text, self, sizeof(self) - 1)) {
		if (!begins(text, thread, sizeof(thread) - 1))
			return at;
		begin = sizeof(thread) - 1;
	}
	for (u32 i = 0; i < 6; i++) {
		char c = text[(begin + i) & 31];

		if (c < '0' || c > '9')
			break;
		fd = fd * 10 + (c - '0');
		any = true;
	}
	return any ? descriptor(s, at, fd) : at;
}

static __always_inline s32 number_at(struct task_struct *task, u32 level)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u64 numbers;
	s32 nr = 0;

	if (!pid)
		return 0;
	if (level > BPF_CORE_READ(pid, level))
		return 0;
	numbers = (u64)pid + bpf_core_field_offset(struct pid, numbers);
	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)(numbers + (u64)level * bpf_core_type_size(struct upid)));
	return nr;
}

// As the task itself sees it.
static __always_inline s32 innermost(struct task_struct *task)
{
	return number_at(task, BPF_CORE_READ(task, thread_pid, level));
}

// A task that user space enrolled does not know its own numbers yet.
static __always_inline void learn(struct member *m, struct task_struct *task)
{
	if (m->tid)
		return;
	m->level = BPF_CORE_READ(task, thread_pid, level);
	m->tid = number_at(task, m->level);
	m->tgid = number_at(BPF_CORE_READ(task, group_leader), m->level);
}

static __always_inline void arguments(struct head *head, struct pt_regs *regs, bool compat)
{
	if (compat) {
		head->args[0] = (u32)regs->bx;
		head->args[1] = (u32)regs->cx;
		head->args[2] = (u32)regs->dx;
		head->args[3] = (u32)regs->si;
		head->args[4] = (u32)regs->di;
		head->args[5] = (u32)regs->bp;
		head->flags |= COMPAT;
	} else {
		head->args[0] = regs->di;
		head->args[1] = regs->si;
		head->args[2] = regs->dx;
		head->args[3] = regs->r10;
		head->args[4] = regs->r8;
		head->args[5] = regs->r9;
	}
}

static __always_inline bool is_compat(struct task_struct *task)
{
	return task->thread_info.status & 2; // TS_COMPAT, arch/x86/include/asm/thread_info.h
}

static __always_inline u32 payload(struct scratch *s, u32 shape, bool whole, bool compat)
{
	u32 at = 0;

#pragma unroll
	for (int i = 0; i < 6; i++) {
		u32 what = (shape >> (4 * i)) & 15;
		u64 arg = s->head.args[i];
		u64 next = i < 5 ? s->head.args[i + 1] : 0;

		if (what == STRING) {
			u32 string = at;

			at = user_string(s, at, arg);
			if (whole)
				at = through_descriptor(s, string, at);
		} else if (!whole)
			continue;
		else if (what == BUFFER)
			at = user_bytes(s, at, arg, next);
		else if (what == WORDS3)
			at = user_bytes(s, at, arg, 24);
		else if (what == WORDS5)
			at = user_bytes(s, at, arg, 40);
		else if (what == DESCRIPTOR)
			at = descriptor(s, at, (s32)arg);
	}
	if (whole && (shape & RETURNS_DESCRIPTOR) && s->head.ret >= 0)
		at = descriptor(s, at, s->head.ret);
	return at;
}

// A result that the program does not see: the call will go on.
static __always_inline bool is_restart(s64 ret)
{
	return ret <= -512 && ret > -4096;
}

// Counts a call instead of reporting it; false where it must be reported.
static __always_inline bool count(struct member *m, struct run *run, u32 nr, bool compat, u32 shape, bool wanted, s64 ret)
{
	struct count key = {.slot = m->slot, .compat = compat, .nr = nr};
	u64 one = 1, *counted;

	if (m->told) {
		m->told--;
		return false;
	}
	// A result that looks like the call's number may not be a result at all.
	if (run->sent[wanted] < run->keep || (shape & ALWAYS) || ret == nr || is_restart(ret))
		return false;
	if (ret < 0 && ret > -512)
		key.error = -ret;
	counted = bpf_map_lookup_elem(&counts, &key);
	if (counted)
		*counted += 1;
	else if (bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST))
		return false;
	return true;
}

// ---- what the programs do ----

static __always_inline int on_enter(struct pt_regs *regs, long id)
{
	struct task_struct *task;
	struct member *m;
	struct scratch *s;
	bool compat;

	if (id != CLOSE && id != EXECVE && id != EXECVEAT && id != RT_SIGRETURN && id != CLOSE_32 && id != EXECVE_32 &&
	    id != EXECVEAT_32 && id != SIGRETURN_32 && id != RT_SIGRETURN_32 && id != X32_EXECVE &&
	    id != X32_EXECVEAT && id != X32_RT_SIGRETURN)
		return 0;
	task = bpf_get_current_task_btf();
	m = bpf_task_storage_get(&members, task, 0, 0);
	if (!m || m->state < SETUP)
		return 0;
	compat = is_compat(task);
	if (compat != (id == CLOSE_32 || id == EXECVE_32 || id == EXECVEAT_32 || id == SIGRETURN_32 || id == RT_SIGRETURN_32))
		return 0;
	if (id == RT_SIGRETURN || id == SIGRETURN_32 || id == RT_SIGRETURN_32 || id == X32_RT_SIGRETURN) {
		m->returning = id;
		return 0;
	}
	if (id == CLOSE || id == CLOSE_32) {
		struct run *run = run_of(m);

		if (m->state != WORKLOAD || !run || run->sent[1] >= run->keep || !(run->wanted[compat][0] >> id & 1))
			return 0;
	}
	learn(m, task);
	s = begin(ENTER, m);
	if (!s)
		return 0;
	s->head.nr = id;
	arguments(&s->head, regs, compat);
	if (id == CLOSE || id == CLOSE_32) {
		// Once it leaves, there is no way to know what the descriptor was.
		m->told = m->told ? m->told : 1;
		finish(s, m, descriptor(s, 0, (s32)s->head.args[0]));
		return 0;
	}
	bool at = id == EXECVEAT || id == EXECVEAT_32 || id == X32_EXECVEAT;
	u32 used = user_string(s, 0, at ? s->head.args[1] : s->head.args[0]);
	used = user_list(s, used, at ? s->head.args[2] : s->head.args[1], compat);
	if (at)
		used = descriptor(s, used, (s32)s->head.args[0]);
	finish(s, m, used);
	return 0;
}

// Whether a call was denied to a task that has a filter: one that a runtime itself needs and a profile does not
// allow.
static __always_inline bool is_denied(struct task_struct *task, long ret)
{
	return (ret == -EPERM || ret == -EACCES || ret == -ENOSYS) && BPF_CORE_READ(task, seccomp.mode);
}

static __always_inline int on_leave(struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct member *m = bpf_task_storage_get(&members, task, 0, 0);
	struct scratch *s;
	struct run *run;
	u32 nr, index, at, shape = 0;
	bool compat, whole;

	if (!m || m->state < SETUP)
		return 0;
	if (m->skip) {
		m->skip = 0;
		return 0;
	}
	run = run_of(m);
	if (!run)
		return 0;
	nr = regs->orig_ax;
	if (m->returning) {
		nr = m->returning;
		m->returning = 0;
		m->told = 16;
	}
	compat = is_compat(task);
	index = nr & ~0x40000000u; // without the bit of x32
	if (index < MAX_NUMBERS) {
		at = index + (compat ? MAX_NUMBERS : 0);
		u32 *found = bpf_map_lookup_elem(&shapes, &at);

		if (found)
			shape = *found;
	}
	if (m->state == SETUP) {
		if (!(shape & IS_SETUP) && !is_denied(task, ret))
			return 0;
		whole = true;
	} else {
		whole = index < MAX_NUMBERS && (run->wanted[compat][(index / 64) & 15] >> (index % 64) & 1);
		if (!whole && !run->everything)
			return 0;
		if (count(m, run, nr, compat, shape, whole, ret))
			return 0;
		if (is_restart(ret))
			m->told = 16;
		__sync_fetch_and_add(&run->sent[whole], 1);
	}
	learn(m, task);
	s = begin(CALL, m);
	if (!s)
		return 0;
	s->head.nr = nr;
	s->head.ret = ret;
	arguments(&s->head, regs, compat);
	finish(s, m, payload(s, shape, whole, compat));
	return 0;
}

static __always_inline int on_fork(struct task_struct *parent, struct task_struct *child)
{
	struct member *p = bpf_task_storage_get(&members, parent, 0, 0);
	struct member *c;
	struct scratch *s;
	bool thread;

	if (!p)
		return 0;
	learn(p, parent);
	c = bpf_task_storage_get(&members, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!c) {
		struct run *run = run_of(p);

		if (run)
			__sync_fetch_and_add(&run->lost, 1);
		return 0;
	}
	thread = child->group_leader != child;
	c->slot = p->slot;
	c->level = p->level;
	c->state = p->state == SILENT && !thread ? MUTED : p->state;
	c->tid = number_at(child, p->level);
	c->tgid = thread ? p->tgid : c->tid;
	c->skip = 1;
	if (c->state < SETUP)
		return 0;
	s = begin(FORK, p);
	if (!s)
		return 0;
	s->head.other = c->tid;
	s->head.ret = c->tgid;
	s->head.args[0] = innermost(child);
	finish(s, p, 0);
	return 0;
}

// A SIGSYS by which a filter says that the last call was not made. A SIGSYS that cannot be caught
// (SA_IMMUTABLE) is not an answer: it is how the kernel kills.
static __always_inline int on_deliver(int sig, struct kernel_siginfo *info, struct k_sigaction *ka)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct member *m;
	struct scratch *s;

	// Through a copy: the verifier of Linux 6.12 and newer does not let a program follow `info`, which may be
	// SEND_SIG_PRIV.
	if (sig != SIGSYS || BPF_CORE_READ(info, si_code) != SYS_SECCOMP || (ka->sa.sa_flags & SA_IMMUTABLE))
		return 0;
	m = bpf_task_storage_get(&members, task, 0, 0);
	if (!m || m->state < WORKLOAD)
		return 0;
	s = begin(TRAP, m);
	if (s)
		finish(s, m, 0);
	return 0;
}

__noinline u32 kernel_string(struct scratch *s, u32 at, u64 from, u32 address)
{
	long len;

	if (!s)
		return at;
	len = bpf_probe_read_kernel_str(place(s, at + sizeof(struct chunk)), MAX_STRING, (void *)from);
	if (len <= 0)
		return at;
	return tell(s, at, address, len, 0);
}

// The arguments or the environment, as they lie behind the new stack.
__noinline u32 block(struct scratch *s, u32 at, u64 from, u64 to, u32 address)
{
	u64 len = to - from;

	if (!s || !len || at > ROOM - MAX_BLOCK - 64)
		return at;
	if (len > MAX_BLOCK)
		len = MAX_BLOCK;
	if (bpf_probe_read_user(place(s, at + sizeof(struct chunk)), len, (void *)from))
		return at;
	return tell(s, at, address, len, 0);
}

static __always_inline int on_exec(struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct member *m = bpf_task_storage_get(&members, task, 0, 0);
	struct mm_struct *mm;
	struct scratch *s;
	struct run *run;
	u32 at;

	if (!m || m->state == SILENT)
		return 0;
	learn(m, task);
	run = run_of(m);
	if (!run)
		return 0;
	s = begin(EXEC, m);
	if (!s)
		return 0;
	// A thread other than the first takes over its number.
	s->head.other = m->tid;
	m->tid = m->tgid;
	s->head.tid = m->tid;
	if (m->state == MUTED)
		m->state = SETUP;
	else if (m->state == SETUP && run->armed && run->armed == m->tgid)
		m->state = WORKLOAD;
	if (m->state == WORKLOAD)
		s->head.flags |= OF_WORKLOAD;
	m->skip = 1;
	s->head.args[0] = bprm->argc;
	s->head.args[1] = bprm->envc;
	s->head.args[2] = innermost(task);
	at = kernel_string(s, 0, (u64)BPF_CORE_READ(bprm, filename), FILENAME);
	mm = task->mm;
	if (mm) {
		at = block(s, at, mm->arg_start, mm->arg_end, ARGUMENTS);
		at = block(s, at, mm->env_start, mm->env_end, ENVIRONMENT);
	}
	finish(s, m, at);
	return 0;
}

static __always_inline int on_end(struct task_struct *task)
{
	struct member *m = bpf_task_storage_get(&members, task, 0, 0);
	struct pt_regs *regs;
	struct scratch *s;

	if (!m || m->state < SETUP)
		return 0;
	learn(m, task);
	s = begin(END, m);
	if (!s)
		return 0;
	s->head.other = task->exit_code;
	if (!BPF_CORE_READ(task, signal, live.counter))
		s->head.flags |= GROUP_DEAD;
	// The call that it ends in, if any: a number below zero is not a call.
	regs = (void *)bpf_task_pt_regs(task);
	s->head.nr = regs->orig_ax;
	arguments(&s->head, regs, is_compat(task));
	finish(s, m, 0);
	return 0;
}

// ---- the programs ----

// Newer kernels preempt a program (seen on 7.2, not on 6.18). Whatever came to its CPU in between would write into the
// same scratch, and the kernel leaves out a second run of the same program.
extern u32 LINUX_KERNEL_VERSION __kconfig;
extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;

// Some older kernels have these calls too: they do not need them, and may refuse functions that stand between them.
#define IS_PREEMPTIBLE (LINUX_KERNEL_VERSION >= KERNEL_VERSION(6, 15, 0) && bpf_ksym_exists(bpf_preempt_disable))

#define UNDISTURBED(call)                                                                                             \
	({                                                                                                            \
		if (IS_PREEMPTIBLE)                                                                                   \
			bpf_preempt_disable();                                                                        \
		call;                                                                                                 \
		if (IS_PREEMPTIBLE)                                                                                   \
			bpf_preempt_enable();                                                                         \
		0;                                                                                                    \
	})

SEC("tp_btf/sys_enter")
int BPF_PROG(enter, struct pt_regs *regs, long id)
{
	return UNDISTURBED(on_enter(regs, id));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(leave, struct pt_regs *regs, long ret)
{
	return UNDISTURBED(on_leave(regs, ret));
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(fork, struct task_struct *parent, struct task_struct *child)
{
	return UNDISTURBED(on_fork(parent, child));
}

SEC("tp_btf/signal_deliver")
int BPF_PROG(deliver, int sig, struct kernel_siginfo *info, struct k_sigaction *ka)
{
	return UNDISTURBED(on_deliver(sig, info, ka));
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return UNDISTURBED(on_exec(task, old_pid, bprm));
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(end, struct task_struct *task)
{
	return UNDISTURBED(on_end(task));
}
