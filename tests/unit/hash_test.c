#include "base/hash.h"

#include <pthread.h>

#include "tests/unit/guard.h"
#include "tests/unit/rows.h"

static const uint64_t key0 = 0x0706050403020100u, key1 = 0x0f0e0d0c0b0a0908u;

struct row {
    const char *it;
    size_t length;
    uint64_t hash;
};

/* From a second implementation, which gives the SipHash-2-4 vector of the paper's appendix A too;
 * bytes 0, 1, 2, ... under the key 00 01 ... 0f. */
static const struct row rows[] = {
    {"it hashes 0 bytes as SipHash-1-3 does", 0, 0xabac0158050fc4dcu},
    {"it hashes 1 bytes as SipHash-1-3 does", 1, 0xc9f49bf37d57ca93u},
    {"it hashes 3 bytes as SipHash-1-3 does", 3, 0x8bf80ab8e7ddf7fbu},
    {"it hashes 7 bytes as SipHash-1-3 does", 7, 0xd3927d989bb11140u},
    {"it hashes 8 bytes as SipHash-1-3 does", 8, 0x369095118d299a8eu},
    {"it hashes 9 bytes as SipHash-1-3 does", 9, 0x25a48eb36c063de4u},
    {"it hashes 15 bytes as SipHash-1-3 does", 15, 0xd320d86d2a519956u},
    {"it hashes 16 bytes as SipHash-1-3 does", 16, 0xcc4fdd1a7d908b66u},
    {"it hashes 31 bytes as SipHash-1-3 does", 31, 0x2370dd1f8c21d1bcu},
    {"it hashes 63 bytes as SipHash-1-3 does", 63, 0x9d199062b7bbb3a8u},
};

static void check_vector(void **state)
{
    const struct row *row = *state;
    uint8_t bytes[64];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    struct guard guard = guard_copy(bytes, row->length);
    assert_true(hash_bytes_keyed(guard.bytes, row->length, key0, key1) == row->hash);
    guard_release(&guard);
}

static void check_lengths(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    for (size_t a = 0; a < sizeof(zeros); a++) {
        for (size_t b = 0; b < a; b++)
            assert_true(hash_bytes_keyed(zeros, a, key0, key1) !=
                        hash_bytes_keyed(zeros, b, key0, key1));
    }
}

static void *hash_one(void *out)
{
    *(uint64_t *)out = hash_bytes("key", 3);
    return NULL;
}

/* The key is drawn at first use: threads that race for it must agree. */
static void check_process_key(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    uint64_t hashes[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_one, &hashes[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_true(hashes[i] == hash_bytes("key", 3));
    assert_true(hash_bytes("key", 3) != hash_bytes("kez", 3));
    assert_true(hash_bytes("key", 3) != hash_bytes_keyed("key", 3, 0, 0));
    assert_true(hash_bytes(NULL, 0) == hash_bytes("", 0));
}

int main(void)
{
    static struct rows all;
    rows_one(&all, "it draws one key for the process", check_process_key);
    ROWS(&all, rows, check_vector);
    rows_one(&all, "it tells lengths apart", check_lengths);
    return rows_run("hash", &all);
}
