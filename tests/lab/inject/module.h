/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel module without a kernel header: offsets come from the kernel's BTF through the command
 * line (build.py), so one compiler serves all kernels.  Its arguments are numbers, behind names; the
 * last one is end=1.
 */
typedef unsigned long u64;
typedef unsigned int u32;

extern int _printk(const char *format, ...);

/* The kernel gives the arguments to nobody: they stand in struct module. */
extern char __this_module[];

#define STRING_(x)	#x
#define STRING(x)	STRING_(x)

asm(".pushsection .gnu.linkonce.this_module, \"aw\"\n"
    ".globl __this_module\n__this_module:\n"
    ".org " STRING(MODULE_NAME) "\n.asciz \"" MODULE "\"\n"
    ".org " STRING(MODULE_INIT) "\n.quad init_module\n"
    ".org " STRING(MODULE_EXIT) "\n.quad cleanup_module\n"
    ".org " STRING(MODULE_SIZE) "\n"
    ".popsection");

static const char info[] __attribute__((section(".modinfo"), used)) =
	"license=GPL\0name=" MODULE "\0depends=\0retpoline=Y\0vermagic=" VERMAGIC;

struct argument {
	const char *name;
	u64 *value;
};

static u64 get(u64 address)
{
	return *(volatile u64 *)address;
}

static int is_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static const char *behind(const char *p)
{
	while (*p)
		p++;
	return p + 1;
}

static u64 number(const char *p)
{
	u64 value = 0, base = 10;

	if (p[0] == '0' && p[1] == 'x') {
		base = 16;
		p += 2;
	}
	for (; *p; p++)
		value = value * base + (*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
	return value;
}

/* The kernel has split them already: a name, a NUL, a value, a NUL, the next. */
static void take_arguments(const struct argument *arguments, u32 count)
{
	const char *p = (const char *)get((u64)__this_module + MODULE_ARGS);

	while (!is_same(p, "end")) {
		const char *value = behind(p);

		for (u32 i = 0; i < count; i++)
			if (is_same(p, arguments[i].name))
				*arguments[i].value = number(value);
		p = behind(value);
	}
}
