/* SipHash-1-3 (Aumasson, Bernstein 2012) under a key drawn once per process, so that keys from
 * outside cannot be chosen to collide. Callable from any thread; never allocates. */
#ifndef CULPRIT_BASE_HASH_H
#define CULPRIT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Keyed by the process's own secret: for tables only, differs from run to run. */
uint64_t hash_bytes(const void *bytes, size_t length_bytes);

/* The same under a given key: for tests and for values that must be alike in every run. */
uint64_t hash_bytes_keyed(const void *bytes, size_t length_bytes, uint64_t key0, uint64_t key1);

#endif
