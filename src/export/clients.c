// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "base/xenpin.h"
#include "clients.h"

#define DEADLINE_S	10	/* of a request, as long as Prometheus waits for its reply */
#define PAUSE_S		1	/* when no connection can be accepted */
#define CLIENTS_MAX	256
#define DESCRIPTORS	64	/* that are needed for other things */

/*
 * libevent tells neither when it frees a connection nor when a request begins.  So each
 * connection's bufferevent is made here, and a reference to it is held.
 */
struct client {
	TAILQ_ENTRY(client) link;
	struct bufferevent *stream;
	struct event *deadline;
};

/* One for the program: libevent's accept errors come without a context of ours. */
static struct {
	struct evconnlistener *listener;
	struct event *resume;
	TAILQ_HEAD(, client) all;	/* the one that was served longest ago is the first */
	unsigned int nr, max;
	bool complained;
} clients = { .all = TAILQ_HEAD_INITIALIZER(clients.all) };

static const struct timeval deadline = { .tv_sec = DEADLINE_S };
static const struct timeval pause_time = { .tv_sec = PAUSE_S };

/* libevent takes its callbacks away when it frees the connection. */
static bool is_closed(const struct client *c)
{
	bufferevent_event_cb on_event;

	bufferevent_getcb(c->stream, NULL, NULL, &on_event, NULL);
	return !on_event;
}

static void forget(struct client *c)
{
	TAILQ_REMOVE(&clients.all, c, link);
	clients.nr--;
	event_free(c->deadline);
	bufferevent_decref(c->stream);
	free(c);
}

/* As a timeout of libevent's own would: it closes the connection, and sends nothing. */
static void close_client(struct client *c)
{
	if (!is_closed(c))
		bufferevent_trigger_event(c->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
	forget(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *client)
{
	close_client(client);
}

/*
 * A scraper sends its request at once, and is served at once: who is in the way are the
 * connections that have waited longest.
 */
static void make_room(void)
{
	struct client *c, *next;

	for (c = TAILQ_FIRST(&clients.all); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (is_closed(c))
			forget(c);
	}
	while (clients.nr >= clients.max)
		close_client(TAILQ_FIRST(&clients.all));
}

/* libevent accepts a connection and wants a bufferevent for it; given none, it makes its own. */
static struct bufferevent *on_connection(struct event_base *base, void *context)
{
	struct client *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	if (clients.nr >= clients.max)
		make_room();
	/* Without BEV_OPT_CLOSE_ON_FREE: libevent closes the socket, whoever has a reference. */
	c->stream = bufferevent_socket_new(base, -1, 0);
	c->deadline = evtimer_new(base, on_deadline, c);
	if (!c->stream || !c->deadline || evtimer_add(c->deadline, &deadline)) {
		if (c->deadline)
			event_free(c->deadline);
		if (c->stream)
			bufferevent_free(c->stream);
		free(c);
		return NULL;
	}
	bufferevent_incref(c->stream);
	TAILQ_INSERT_TAIL(&clients.all, c, link);
	clients.nr++;
	return c->stream;
}

void clients__served(struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);
	struct client *c;

	TAILQ_FOREACH(c, &clients.all, link) {
		if (c->stream != stream)
			continue;
		TAILQ_REMOVE(&clients.all, c, link);
		TAILQ_INSERT_TAIL(&clients.all, c, link);
		evtimer_add(c->deadline, &deadline);
		return;
	}
}

/* The one that waits stays in the queue, and libevent would try again at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
	int err = errno;

	if (!clients.complained)
		say("--listen: cannot accept a connection: %s; trying again every second",
		    strerror(err));
	clients.complained = true;
	evconnlistener_disable(listener);
	evtimer_add(clients.resume, &pause_time);
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
	evconnlistener_enable(clients.listener);
}

/* Descriptors of connections must not be wanting elsewhere. */
static unsigned int room_for_clients(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= CLIENTS_MAX + DESCRIPTORS)
		return CLIENTS_MAX;
	return files.rlim_cur > DESCRIPTORS ? files.rlim_cur - DESCRIPTORS : 1;
}

int clients__begin(struct evhttp *http, struct evhttp_bound_socket *bound)
{
	clients.listener = evhttp_bound_socket_get_listener(bound);
	clients.resume = evtimer_new(evconnlistener_get_base(clients.listener), on_resume, NULL);
	if (!clients.resume)
		return -ENOMEM;
	clients.max = room_for_clients();
	evconnlistener_set_error_cb(clients.listener, on_accept_error);
	evhttp_set_bevcb(http, on_connection, NULL);
	return 0;
}

void clients__end(void)
{
	while (!TAILQ_EMPTY(&clients.all))
		forget(TAILQ_FIRST(&clients.all));
	if (clients.resume)
		event_free(clients.resume);
}
