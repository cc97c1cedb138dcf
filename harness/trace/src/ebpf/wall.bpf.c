// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
//
// Keeps a cgroup and everything below it away from the machine's devices and sysctls. Nothing in there can remove
// it or see it: it is attached to a cgroup above the one that looks like the root from inside.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// As in wall.rs.
#define NAME 64

struct device {
	__u32 major, minor;
};

// Character devices that may be opened. Terminals are many, and lie between two numbers.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct device);
	__type(value, __u8);
} devices SEC(".maps");

// Sysctls that may be written, padded with NUL.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, char[NAME]);
	__type(value, __u8);
} sysctls SEC(".maps");

#define FIRST_TERMINAL 136
#define LAST_TERMINAL 143

SEC("cgroup/dev")
int open_device(struct bpf_cgroup_dev_ctx *context)
{
	__u32 kind = context->access_type & 0xffff;
	__u32 access = context->access_type >> 16;
	struct device device = { context->major, context->minor };

	// A node that cannot be opened does no harm.
	if (!(access & (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)))
		return 1;
	// Mounting a block device opens it too.
	if (kind == BPF_DEVCG_DEV_BLOCK)
		return 0;
	if (device.major >= FIRST_TERMINAL && device.major <= LAST_TERMINAL)
		return 1;
	return bpf_map_lookup_elem(&devices, &device) != NULL;
}

SEC("cgroup/sysctl")
int write_sysctl(struct bpf_sysctl *context)
{
	char name[NAME] = {};

	if (!context->write)
		return 1;
	if (bpf_sysctl_get_name(context, name, sizeof(name), 0) < 0)
		return 0;
	// Those that a network namespace has are its own.
	if (name[0] == 'n' && name[1] == 'e' && name[2] == 't' && name[3] == '/')
		return 1;
	return bpf_map_lookup_elem(&sysctls, name) != NULL;
}
