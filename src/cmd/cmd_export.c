// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenpin export: figures for Prometheus, over HTTP or in a file for
 * node_exporter.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/util.h>

#include "base/privileges.h"
#include "base/signals.h"
#include "base/xenpin.h"
#include "export/clients.h"
#include "export/figures.h"
#include "export/textfile.h"
#include "trace/probes.h"
#include "options.h"
#include "ready_file.h"
#include "tracing.h"

#define HEADERS_MAX	8192
#define DEFAULT_ADDRESS	"127.0.0.1"
#define DEFAULT_PORT	9871

static struct export_options {
	const char *listen;	/* NULL: the default */
	const char *textfile;	/* a directory; NULL: listen */
	uint32_t interval;	/* seconds */
	const char *recording;	/* NULL: live */
	const char *ready_file;
	bool verbose;
} given = { .interval = 60 };

static const struct option_row rows[] = {
	{ "listen", 'l', "ADDR:PORT",
	  "an address of this host at which to answer /metrics (default 127.0.0.1:9871)",
	  TO_STRING(given.listen) },
	{ "textfile", 't', "DIR", "write DIR/xenpin.prom for node_exporter, and do not listen",
	  TO_STRING(given.textfile) },
	{ "interval", 'i', "S", "seconds between audits (default 60)",
	  TO_U32(given.interval, 1, 86400) },
	{ "recording", 'r', "FILE", "figures of a recording, read again when it changes",
	  TO_STRING(given.recording) },
	READY_FILE_ROW(given.ready_file),
	VERBOSE_ROW(given.verbose),
	{}
};

struct exporter {
	const struct export_options *opts;
	char address[64];
	uint16_t port;
	struct event_base *base;
	struct event *signals;
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

	clients__served(request);
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
	clients__served(request);
	evhttp_send_error(request, HTTP_NOTFOUND, "Here is only /metrics");
}

static int write_textfile(struct exporter *e)
{
	size_t size;
	char *text = page(e, METRICS_TEXT, &size);
	int err = text ? 0 : -ENOMEM;

	/* Figures that a signal cut off replace none. */
	if (!err && !signals__waiting())
		err = textfile__write(e->opts->textfile, text, size);
	free(text);
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
	say("--textfile: cannot write xenpin.prom in '%s': %s; one that is there stays as "
	    "it was, and grows old", e->opts->textfile, strerror(-err));
	e->status = EXIT_INCOMPLETE;
	event_base_loopbreak(e->base);
}

static void on_signal(evutil_socket_t fd, short what, void *base)
{
	event_base_loopbreak(base);
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

/*
 * A number in one of the two notations, or "localhost".  Other names are not looked up: a static
 * program would load the name services of whatever C library it finds, and may die of it.
 */
static bool is_address(const char *text)
{
	struct in6_addr any;

	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

/* The one that the kernel chose, when it was asked to. */
static uint16_t port_of(struct evhttp_bound_socket *bound)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size))
		return 0;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port :
						     ((struct sockaddr_in *)&address)->sin_port);
}

static enum exit_status listen_at(struct exporter *e, struct evhttp **http)
{
	struct evhttp_bound_socket *bound;

	if (!strcmp(e->address, "localhost"))
		strcpy(e->address, "127.0.0.1");
	if (!is_address(e->address)) {
		say("--listen: '%s' is no IP address, and names are not looked up: give one of this "
		    "host's addresses, such as 127.0.0.1 or [::1]; 0.0.0.0 and [::] are all of them",
		    e->address);
		return EXIT_USAGE;
	}
	*http = evhttp_new(e->base);
	if (!*http)
		return EXIT_LOAD;
	evhttp_set_allowed_methods(*http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(*http, HEADERS_MAX);
	evhttp_set_max_body_size(*http, 0);
	evhttp_set_cb(*http, "/metrics", on_metrics, e);
	evhttp_set_gencb(*http, on_other, e);
	bound = evhttp_bind_socket_with_handle(*http, e->address, e->port);
	if (!bound) {
		say("--listen: cannot listen at %s, port %u: %s", e->address, e->port,
		    strerror(errno));
		return EXIT_USAGE;
	}
	if (clients__begin(*http, bound)) {
		say("no memory");
		return EXIT_LOAD;
	}
	if (!e->port)
		say("--listen: port %u of %s", port_of(bound), e->address);
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
	status = ready_file__create(e->opts->ready_file);
	if (!status && !e->status)
		event_base_dispatch(e->base);
out:
	if (timer)
		event_free(timer);
	if (http)
		evhttp_free(http);
	clients__end();
	figures__close(&e->figures);
	return status ?: e->status;
}

static enum exit_status cmd_export(void)
{
	const struct export_options *opts = &given;
	struct exporter e = { .opts = opts, .figures.recording = opts->recording };
	enum exit_status status;
	int err;

	if (!split(opts->listen ?: DEFAULT_ADDRESS, e.address, &e.port)) {
		say("--listen: '%s' is not ADDRESS:PORT, such as 127.0.0.1:9871 or [::1]:9871",
		    opts->listen);
		return EXIT_USAGE;
	}
	err = opts->textfile ? textfile__check(opts->textfile) : 0;
	if (err) {
		say("--textfile: '%s' is no directory to write to: %s", opts->textfile,
		    strerror(-err));
		return EXIT_USAGE;
	}
	probes__verbose(opts->verbose);
	e.base = event_base_new();
	e.signals = e.base ? event_new(e.base, signals__catch(0), EV_READ, on_signal, e.base) : NULL;
	if (!e.signals || event_add(e.signals, NULL)) {
		say("no memory");
		return EXIT_LOAD;
	}
	status = run(&e);
	event_free(e.signals);
	event_base_free(e.base);
	return status;
}

const struct command command_export = {
	.name = "export",
	.args = "",
	.what = "figures for Prometheus",
	.options = rows,
	.run = cmd_export,
};
