/* Where the compiled-in list of services begins and ends; a NUL stands behind it. */
#ifndef CULPRIT_HTTP_TOPOLOGY_DATA_H
#define CULPRIT_HTTP_TOPOLOGY_DATA_H

extern const char topology_data_begin[] __attribute__((visibility("hidden")));
extern const char topology_data_end[] __attribute__((visibility("hidden")));

#endif
