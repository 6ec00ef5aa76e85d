// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenpin export: figures for Prometheus, over HTTP or in a file for
 * node_exporter.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "clock.h"
#include "options.h"
#include "platform.h"
#include "report/report.h"
#include "sink/metrics.h"
#include "source/counters.h"
#include "xenpin.h"

#define HTTP_TIMEOUT_S	10
#define HEADERS_MAX	8192
#define DEFAULT_ADDRESS	"127.0.0.1"
#define DEFAULT_PORT	9871

struct exporter {
	const struct options *opts;
	struct event_base *base;
	struct counters *counters;	/* NULL: of a recording */
	struct metrics metrics;
	struct timespec recorded;	/* the recording's mtime when it was read */
	enum exit_status status;
};

static void add_latencies(struct xp_counts *counts, const struct latencies *l)
{
	/* Ours are four to the power of two, and end where those end. */
	for (int i = 0, to = 0; i < LATENCY_BUCKETS; i++) {
		while (to < XP_COUNT_LATENCIES - 1 && 1ULL << to < latency__bucket_end(i))
			to++;
		counts->latency[to] += l->buckets[i];
	}
	counts->latency_sum = l->sum;
}

static void count_table(void *context, const struct pin_state *state)
{
	struct metrics *m = context;

	m->tables[state->level <= XP_L4 ? state->level : 0]++;
}

static void take_report(struct metrics *m, const struct report *r)
{
	const struct account *a = &r->account;

	for (int l = 0; l < 4; l++)
		m->counts.pins[l] = a->pins_of[l + 1];
	m->counts.unpins = a->unpins;
	m->counts.failed = a->failed;
	m->counts.flushes = a->records[XP_BATCH];
	m->counts.unseen = a->records[XP_BATCH] - a->latencies.count;
	add_latencies(&m->counts, &a->latencies);
	m->missed = r->missed;
	m->lost = a->lost_total;
	m->complete = r->complete;
	m->has_tables = true;
	pins__each(r->pins, count_table, m);
	m->has_findings = true;
	for (size_t i = 0; i < r->nr_findings; i++)
		m->findings[r->findings[i].class][r->findings[i].grade]++;
}

static void read_recording(struct exporter *e)
{
	uint64_t begin = now_ns();
	char why[RECORDING_WHY];
	struct report report;
	struct stat st;

	if (stat(e->opts->recording, &st)) {
		e->metrics = (struct metrics){ .source = "recording" };
		return;
	}
	if (e->metrics.up && !memcmp(&st.st_mtim, &e->recorded, sizeof(st.st_mtim)))
		return;
	e->metrics = (struct metrics){ .source = "recording" };
	if (report__open(&report, e->opts->recording, why)) {
		say("cannot report on '%s': %s", e->opts->recording, why);
		return;
	}
	take_report(&e->metrics, &report);
	e->metrics.up = true;
	e->recorded = st.st_mtim;
	e->metrics.looked_at = st.st_mtim.tv_sec + st.st_mtim.tv_nsec / 1e9;
	e->metrics.look_seconds = (now_ns() - begin) / 1e9;
	report__close(&report);
}

static void read_counters(struct exporter *e)
{
	struct metrics *m = &e->metrics;
	struct task_counts *tasks;
	int n = counters__tasks(e->counters, &tasks);

	counters__read(e->counters, &m->counts);
	m->source = "live";
	m->up = true;
	m->missed = counters__missed(e->counters);
	m->complete = !m->missed;
	m->table_bytes = 0;
	for (int i = 0; i < n; i++)
		m->table_bytes += tasks[i].bytes;
	if (n >= 0)
		free(tasks);
}

static void refresh(struct exporter *e)
{
	if (e->opts->recording)
		read_recording(e);
	else
		read_counters(e);
}

static char *page(struct exporter *e, enum metrics_format format, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	refresh(e);
	metrics__write(&e->metrics, format, out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static void on_metrics(struct evhttp_request *request, void *context)
{
	const char *accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");
	enum metrics_format format = accept && strstr(accept, "application/openmetrics-text") ?
					     METRICS_OPENMETRICS : METRICS_TEXT;
	struct evbuffer *body = evbuffer_new();
	size_t size;
	char *text = page(context, format, &size);

	if (!text || !body || evbuffer_add(body, text, size)) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
	} else {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
				  metrics_content_types[format]);
		evhttp_send_reply(request, HTTP_OK, "OK", body);
	}
	if (body)
		evbuffer_free(body);
	free(text);
}

static void on_other(struct evhttp_request *request, void *context)
{
	evhttp_send_error(request, HTTP_NOTFOUND, "Here is only /metrics");
}

/* Whole or not at all: node_exporter may read at any moment. */
static int write_textfile(struct exporter *e)
{
	char *path, *temporary, *text;
	FILE *out = NULL;
	size_t size;
	int err = -ENOMEM;

	text = page(e, METRICS_TEXT, &size);
	if (asprintf(&path, "%s/xenpin.prom", e->opts->textfile) < 0)
		path = NULL;
	if (asprintf(&temporary, "%s/xenpin.prom.new", e->opts->textfile) < 0)
		temporary = NULL;
	if (!text || !path || !temporary)
		goto out;
	out = fopen(temporary, "we");
	if (!out || fwrite(text, 1, size, out) != size) {
		err = -errno;
		goto out;
	}
	err = fclose(out) || rename(temporary, path) ? -errno : 0;
	out = NULL;
out:
	if (out)
		fclose(out);
	free(text);
	free(path);
	free(temporary);
	return err;
}

static void on_interval(evutil_socket_t fd, short what, void *context)
{
	struct exporter *e = context;
	int err = write_textfile(e);

	if (!err)
		return;
	say("--textfile: cannot write to '%s': %s", e->opts->textfile, strerror(-err));
	e->status = EXIT_INCOMPLETE;
	event_base_loopbreak(e->base);
}

static void on_signal(evutil_socket_t fd, short what, void *base)
{
	event_base_loopbreak(base);
}

static bool catch_signals(struct event_base *base)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct event *event = evsignal_new(base, signals[i], on_signal, base);

		if (!event || event_add(event, NULL))
			return false;
	}
	return true;
}

/* Where to listen: "ADDRESS:PORT", "[ADDRESS]:PORT", "ADDRESS" or ":PORT". */
static bool split(const char *listen, char address[64], uint16_t *port)
{
	const char *colon = strrchr(listen, ':');
	char *end;
	long n = DEFAULT_PORT;

	if (colon && strchr(listen, ':') != colon && *listen != '[')
		colon = NULL;	/* a bare IPv6 address */
	if (colon) {
		n = strtol(colon + 1, &end, 10);
		if (*end || end == colon + 1 || n < 0 || n > 65535)
			return false;
	}
	*port = n;
	snprintf(address, 64, "%.*s", (int)(colon ? colon - listen : (long)strlen(listen)), listen);
	if (*address == '[' && address[strlen(address) - 1] == ']') {
		memmove(address, address + 1, strlen(address));
		address[strlen(address) - 1] = 0;
	}
	if (!*address)
		strcpy(address, DEFAULT_ADDRESS);
	return true;
}

static enum exit_status listen_at(struct exporter *e, struct evhttp **http)
{
	const char *listen = e->opts->listen ?: DEFAULT_ADDRESS;
	struct evhttp_bound_socket *bound;
	char address[64];
	uint16_t port;

	if (!split(listen, address, &port)) {
		say("--listen: '%s' is not ADDRESS:PORT", listen);
		return EXIT_USAGE;
	}
	*http = evhttp_new(e->base);
	if (!*http)
		return EXIT_LOAD;
	evhttp_set_allowed_methods(*http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(*http, HEADERS_MAX);
	evhttp_set_max_body_size(*http, 0);
	evhttp_set_timeout(*http, HTTP_TIMEOUT_S);
	evhttp_set_cb(*http, "/metrics", on_metrics, e);
	evhttp_set_gencb(*http, on_other, e);
	bound = evhttp_bind_socket_with_handle(*http, address, port);
	if (!bound) {
		say("--listen: cannot listen at %s, port %u: %s", address, port, strerror(errno));
		return EXIT_USAGE;
	}
	return EXIT_CLEAN;
}

static enum exit_status open_source(struct exporter *e)
{
	struct platform platform;
	const char *obstacle;
	char why[COUNTERS_WHY];

	if (e->opts->recording)
		return EXIT_CLEAN;
	platform__read(&platform);
	obstacle = platform__obstacle(&platform);
	if (obstacle) {
		say("%s", obstacle);
		return EXIT_CANNOT;
	}
	if (counters__open(&e->counters, why)) {
		say("cannot count: %s", why);
		return EXIT_LOAD;
	}
	return EXIT_CLEAN;
}

static enum exit_status create_ready_file(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (path && fd < 0) {
		say("--ready-file: cannot create '%s': %s", path, strerror(errno));
		return EXIT_USAGE;
	}
	close(fd);
	return EXIT_CLEAN;
}

static enum exit_status run(struct exporter *e)
{
	struct timeval interval = { .tv_sec = e->opts->interval };
	struct event *timer = NULL;
	struct evhttp *http = NULL;
	enum exit_status status = open_source(e);
	int err;

	if (!status && !e->opts->textfile)
		status = listen_at(e, &http);
	if (status)
		goto out;
	err = e->opts->recording ? 0 : privileges__drop();
	if (err) {
		say("cannot give up capabilities: %s", strerror(-err));
		status = EXIT_LOAD;
		goto out;
	}
	if (e->opts->textfile) {
		timer = event_new(e->base, -1, EV_PERSIST, on_interval, e);
		event_add(timer, &interval);
		on_interval(-1, 0, e);
	}
	status = create_ready_file(e->opts->ready_file);
	if (!status && !e->status)
		event_base_dispatch(e->base);
out:
	if (timer)
		event_free(timer);
	if (http)
		evhttp_free(http);
	counters__close(e->counters);
	return status ?: e->status;
}

int cmd_export(const struct options *opts)
{
	struct exporter e = { .opts = opts, .base = event_base_new() };
	enum exit_status status;

	if (!e.base || !catch_signals(e.base)) {
		say("no memory");
		return EXIT_LOAD;
	}
	status = run(&e);
	event_base_free(e.base);
	return status;
}
