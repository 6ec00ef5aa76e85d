// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's half of the lab: runs one command and tells the host all about it.
 *
 *	runner PORT [console]
 *
 * It is the guest's init once guest-init has prepared the ground, so that it also reaps what the
 * command leaves behind. The command is /xenlab/command, the files to send back afterwards are
 * named in /xenlab/get, both NUL-separated. Everything goes to PORT as one-line frames:
 *
 *	0x1e TYPE SEQ(8 hex) ' ' BASE64 ' ' CRC(8 hex) '\n'
 *
 * Lines, because in a domU PORT is the console that the kernel writes to as well: the host finds
 * the frames between the kernel's lines, and sequence number and CRC-32 (of TYPE, SEQ and the
 * base64 text) show it when a kernel message cut one in two.
 *
 * With "console", PORT is that console. The kernel is then kept from it, but for its last words,
 * and its messages are taken from /dev/kmsg and sent as frames.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* After the command's end its pipes are read this long for what its children still write. */
#define LINGER_MS 200
/* The host ends the guest; should it have gone, the guest ends itself. */
#define FAREWELL_S 20
#define CHUNK 3072
#define PIPE_BYTES	65536		/* of the kernel's default */
#define KLOG_CONSOLE_LEVEL 8

/* What a frame carries; frames.py has the same letters. */
enum {
	READY = 'R', OUT = 'O', ERR = 'E', KMSG = 'K', STATUS = 'X', FAILED = 'L',
	FILE_NAME = 'N', FILE_DATA = 'D', FILE_END = 'Z',
};

static int port = -1;

static uint32_t crc32(const char *data, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= (unsigned char)*data++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static size_t base64(const unsigned char *in, size_t len, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *start = out;

	for (; len > 0; in += 3, len -= len < 3 ? len : 3) {
		uint32_t bits = in[0] << 16 | (len > 1 ? in[1] << 8 : 0) | (len > 2 ? in[2] : 0);

		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = len > 1 ? digits[bits >> 6 & 63] : '=';
		*out++ = len > 2 ? digits[bits & 63] : '=';
	}
	return out - start;
}

/* Without the port there is nobody to tell, so a failure to write ends the guest. */
static void put(const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(port, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(1);
		data += n;
		len -= n;
	}
}

static void frame(char type, const void *data, size_t len)
{
	static uint32_t seq;
	char line[CHUNK * 4 / 3 + 64];
	int at;

	at = snprintf(line, sizeof(line), "\x1e%c%08x ", type, seq++);
	at += base64(data, len, line + at);
	at += snprintf(line + at, sizeof(line) - at, " %08x\n", crc32(line + 1, at - 1));
	put(line, at);
}

static void frame_text(char type, const char *text)
{
	frame(type, text, strlen(text));
}

static int open_port(const char *path)
{
	struct termios tio;
	int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && tcgetattr(fd, &tio) == 0) {
		cfmakeraw(&tio);
		tcsetattr(fd, TCSANOW, &tio);
	}
	return fd;
}

/* The whole of a small file, NUL-terminated; an empty one when it cannot be read. */
static char *slurp(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t cap = 1 << 16;
	char *text = calloc(1, cap + 1);
	ssize_t n;

	*len = 0;
	while (fd >= 0 && *len < cap && (n = read(fd, text + *len, cap - *len)) > 0)
		*len += n;
	if (fd >= 0)
		close(fd);
	return text;
}

/* The NUL-separated strings of a file as an argv; never freed, the runner lives once. */
static char **strings(const char *path)
{
	size_t len, count = 0;
	char *text = slurp(path, &len);
	char **list = calloc(len + 1, sizeof(*list));

	for (size_t at = 0; at < len; at += strlen(text + at) + 1)
		list[count++] = text + at;
	return list;
}

/* Pass on what FD has; false at its end, or when it has nothing and would block. */
static int pass(int fd, char type)
{
	char data[CHUNK];
	ssize_t n;

	do {
		n = read(fd, data, sizeof(data));
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		frame(type, data, n);
	return n > 0;
}

/*
 * All that a pipe held: what a program wrote to stdout before it wrote to stderr is
 * passed on before that.  False at its end.
 */
static int pass_all(int fd, char type)
{
	struct pollfd more = { .fd = fd, .events = POLLIN };
	int open = 1;

	for (int n = 0; open && n <= PIPE_BYTES / CHUNK; n++) {
		open = pass(fd, type);
		if (poll(&more, 1, 0) != 1)
			break;
	}
	return open;
}

/* One record of /dev/kmsg: "prio,seq,usec,flags;text\n", as the console would show it. */
static void pass_kmsg(int fd)
{
	char raw[8192], line[CHUNK];
	unsigned long long usec = 0;
	ssize_t n = read(fd, raw, sizeof(raw) - 1);
	char *text, *end;

	/* EPIPE: the kernel overwrote records faster than they were read; go on with the next. */
	if (n <= 0)
		return;
	raw[n] = '\0';
	text = strchr(raw, ';');
	if (!text || sscanf(raw, "%*[^,],%*[^,],%llu", &usec) != 1)
		return;
	end = strchr(++text, '\n');
	if (end)
		*end = '\0';
	n = snprintf(line, sizeof(line), "[%5llu.%06llu] %s\n", usec / 1000000, usec % 1000000, text);
	frame(KMSG, line, n < (ssize_t)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static int open_kmsg(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	klogctl(KLOG_CONSOLE_LEVEL, NULL, 1);
	return fd;
}

static pid_t start(char **argv, int out, int err, const sigset_t *mask)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	setsid();
	sigprocmask(SIG_SETMASK, mask, NULL);
	null = open("/dev/null", O_RDONLY);
	dup2(null, 0);
	dup2(out, 1);
	dup2(err, 2);
	close(null);
	execvp(argv[0], argv);
	dprintf(2, "xenlab: cannot run %s in the guest: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Reap whoever ended; true once PID is among them. */
static int reap(pid_t pid, int *status)
{
	int found = 0, st;
	pid_t p;

	while ((p = waitpid(-1, &st, WNOHANG)) > 0) {
		if (p == pid) {
			*status = st;
			found = 1;
		}
	}
	return found;
}

static int run(char **argv, int kmsg)
{
	enum { P_OUT, P_ERR, P_KMSG, P_SIG, P_COUNT };
	struct pollfd fds[P_COUNT] = {
		[P_KMSG] = { .fd = kmsg, .events = POLLIN },
		[P_SIG] = { .events = POLLIN },
	};
	static const char type[] = { [P_OUT] = OUT, [P_ERR] = ERR };
	int out[2], err[2], status = 0, ended = 0, n;
	struct signalfd_siginfo info;
	sigset_t chld, before;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &before);
	fds[P_SIG].fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fds[P_SIG].fd < 0 || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return -1;
	pid = start(argv, out[1], err[1], &before);
	if (pid < 0)
		return -1;
	close(out[1]);
	close(err[1]);
	fds[P_OUT] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	fds[P_ERR] = (struct pollfd){ .fd = err[0], .events = POLLIN };

	/* Once the command has ended, until its pipes end too or fall silent. */
	while (!ended || fds[P_OUT].fd >= 0 || fds[P_ERR].fd >= 0) {
		n = poll(fds, P_COUNT, ended ? LINGER_MS : -1);
		if (n == 0)
			break;
		for (int i = P_OUT; i <= P_ERR; i++)
			if (fds[i].revents && !pass_all(fds[i].fd, type[i]))
				fds[i].fd = -1;
		if (fds[P_KMSG].revents)
			pass_kmsg(kmsg);
		if (fds[P_SIG].revents) {
			while (read(fds[P_SIG].fd, &info, sizeof(info)) > 0)
				;
			if (reap(pid, &status))
				ended = 1;
		}
	}
	return status;
}

static void send_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[512];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || S_ISDIR(st.st_mode)) {
		snprintf(text, sizeof(text), "xenlab: cannot get %s from the guest: %s\n", path,
			 fd < 0 ? strerror(errno) : "it is a directory");
		frame_text(ERR, text);
	} else {
		frame_text(FILE_NAME, path);
		while (pass(fd, FILE_DATA))
			;
		frame_text(FILE_END, "");
	}
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct utsname uts;
	int status, kmsg = -1;
	char text[64];

	if (argc < 2 || (port = open_port(argv[1])) < 0) {
		fprintf(stderr, "xenlab: runner cannot open %s: %s\n", argv[1] ?: "its port",
			strerror(errno));
		return 1;
	}
	/* guest-init has something to say to the host. */
	if (argc == 4 && !strcmp(argv[2], "failed")) {
		frame_text(FAILED, argv[3]);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[2], "console"))
		kmsg = open_kmsg();
	uname(&uts);
	frame_text(READY, uts.release);
	status = run(strings("/xenlab/command"), kmsg);
	for (char **get = strings("/xenlab/get"); *get; get++)
		send_file(*get);
	if (status == -1)
		frame_text(FAILED, "the runner cannot start a process in the guest");
	snprintf(text, sizeof(text), "%d",
		 WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	frame_text(STATUS, text);
	tcdrain(port);
	sleep(FAREWELL_S);
	reboot(RB_POWER_OFF);
	return 0;
}
