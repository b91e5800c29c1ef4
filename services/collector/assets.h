/* The web page's files, compiled in from services/collector/web/: what is served where a person
 * looks, with ETags and the headers that let the page load nothing but itself. Callable from any
 * thread. */
#ifndef CULPRIT_COLLECTOR_ASSETS_H
#define CULPRIT_COLLECTOR_ASSETS_H

#include "http/server.h"

/* index.html: for every address that a view of the page has. */
server_handler assets_index;
/* /assets/{file}: 404 for a file that is not compiled in. */
server_handler assets_file;
/* /favicon.ico, which browsers ask for unasked. */
server_handler assets_favicon;

#endif
