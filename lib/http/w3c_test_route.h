/* `POST /test`, the service's side of the W3C trace-context test harness: for each {"url",
 * "arguments"} of the JSON array that comes in, `arguments` is posted to `url` as a traced call
 * before the answer is given. Asking others on a stranger's word, it is there only when the service
 * was started with --w3c-test, and calls nothing but addresses of this machine's loopback. At most
 * 32 calls a request, 4 s for all of them. */
#ifndef CULPRIT_HTTP_W3C_TEST_ROUTE_H
#define CULPRIT_HTTP_W3C_TEST_ROUTE_H

#include "http/server.h"

/* Answers 200 once every call was answered, whatever with; 502 where one was not; 400 for what is
 * no such array, 422 for a target that is not allowed: nothing is called then. */
extern const struct server_route w3c_test_route;

#endif
