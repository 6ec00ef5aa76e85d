// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenpin export: figures for Prometheus, over HTTP or in a file for
 * node_exporter.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/util.h>

#include "export/figures.h"
#include "options.h"
#include "source/hooks.h"
#include "tracing.h"
#include "xenpin.h"

#define HTTP_TIMEOUT_S	10
#define HEADERS_MAX	8192
#define DEFAULT_ADDRESS	"127.0.0.1"
#define DEFAULT_PORT	9871

struct exporter {
	const struct options *opts;
	char address[64];
	uint16_t port;
	struct event_base *base;
	struct figures figures;
	enum exit_status status;
};

static char *page(struct exporter *e, enum metrics_format format, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	figures__refresh(&e->figures);
	metrics__write(&e->figures.metrics, format, out);
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
	int err;

	figures__audit(&e->figures);
	err = e->opts->textfile ? write_textfile(e) : 0;
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

/* Where to listen: "ADDRESS:PORT", "[ADDRESS]:PORT", "ADDRESS" or ":PORT"; false: it is none. */
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
	struct evutil_addrinfo passive = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct evutil_addrinfo *found;
	struct evhttp_bound_socket *bound;
	int err = evutil_getaddrinfo(e->address, NULL, &passive, &found);

	if (err) {
		say("--listen: '%s': %s", e->address, evutil_gai_strerror(err));
		return EXIT_USAGE;
	}
	evutil_freeaddrinfo(found);
	*http = evhttp_new(e->base);
	if (!*http)
		return EXIT_LOAD;
	evhttp_set_allowed_methods(*http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(*http, HEADERS_MAX);
	evhttp_set_max_body_size(*http, 0);
	evhttp_set_timeout(*http, HTTP_TIMEOUT_S);
	evhttp_set_cb(*http, "/metrics", on_metrics, e);
	evhttp_set_gencb(*http, on_other, e);
	bound = evhttp_bind_socket_with_handle(*http, e->address, e->port);
	if (!bound) {
		say("--listen: cannot listen at %s, port %u: %s", e->address, e->port,
		    strerror(errno));
		return EXIT_USAGE;
	}
	return EXIT_CLEAN;
}

static enum exit_status open_live(struct figures *f)
{
	char why[COUNTERS_WHY], no_audit[AUDIT_REASON_LEN];
	struct platform platform;
	int err;

	if (!tracing__possible(&platform))
		return EXIT_CANNOT;
	if (figures__count(f, &platform, why)) {
		say("cannot count: %s", why);
		return EXIT_LOAD;
	}
	err = figures__watch(f, &platform, no_audit);
	if (err)
		say("cannot audit: %s", no_audit);
	return !err ? EXIT_CLEAN : err == -ENOKEY ? EXIT_CANNOT : EXIT_LOAD;
}

static enum exit_status run(struct exporter *e)
{
	struct timeval interval = { .tv_sec = e->opts->interval };
	struct event *timer = NULL;
	struct evhttp *http = NULL;
	enum exit_status status = e->figures.recording ? EXIT_CLEAN : open_live(&e->figures);
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
	timer = event_new(e->base, -1, EV_PERSIST, on_interval, e);
	if (!timer || event_add(timer, &interval)) {
		status = EXIT_LOAD;
		goto out;
	}
	on_interval(-1, 0, e);
	status = tracing__ready(e->opts);
	if (!status && !e->status)
		event_base_dispatch(e->base);
out:
	if (timer)
		event_free(timer);
	if (http)
		evhttp_free(http);
	figures__close(&e->figures);
	return status ?: e->status;
}

int cmd_export(const struct options *opts)
{
	struct exporter e = { .opts = opts, .base = event_base_new(),
			      .figures.recording = opts->recording };
	enum exit_status status;

	if (!split(opts->listen ?: DEFAULT_ADDRESS, e.address, &e.port)) {
		say("--listen: '%s' is not ADDRESS:PORT, such as 127.0.0.1:9871 or [::1]:9871",
		    opts->listen);
		return EXIT_USAGE;
	}
	hooks__verbose(opts->verbose);
	if (!e.base || !catch_signals(e.base)) {
		say("no memory");
		return EXIT_LOAD;
	}
	status = run(&e);
	event_base_free(e.base);
	return status;
}
