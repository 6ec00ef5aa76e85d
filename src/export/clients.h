/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connections of an HTTP server of libevent's: so many and no more, each with a deadline.
 * libevent 2.1 has a timeout that each byte begins anew, and no limit.
 */
#ifndef XENPIN_CLIENTS_H
#define XENPIN_CLIENTS_H

struct evhttp;
struct evhttp_bound_socket;
struct evhttp_request;

/* Those that @http will accept at @bound.  Returns 0 or -ENOMEM. */
int clients__begin(struct evhttp *http, struct evhttp_bound_socket *bound);

/* @request is whole: its connection has the time of a deadline for the reply and the next one. */
void clients__served(struct evhttp_request *request);

/* After evhttp_free(), which closes the connections. */
void clients__end(void);

#endif
