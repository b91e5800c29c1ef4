/* Baggage: each line of the input is a header, read into one value, which is written and read
 * again; then its lines are keys, values and metadata of changes by the program. Nothing is read or
 * written outside, no bound is passed, no byte leaves that a header may not hold. */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace/baggage.h"
#include "trace/baggage_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void get_all(void *carrier, const char *name, carrier_take *take, void *into)
{
    struct text rest = *(const struct text *)carrier;
    (void)name;
    while (rest.data != NULL)
        take(into, text_split(&rest, '\n'));
}

static void set(void *carrier, const char *name, struct text value)
{
    (void)name;
    *(struct text *)carrier = value;
}

static size_t check(const struct baggage *baggage)
{
    static char value[BAGGAGE_MAX + 1];
    struct text rest = baggage_list(baggage);
    struct baggage_entry entry;
    size_t count = 0;
    assert(baggage->length_bytes <= BAGGAGE_MAX);
    for (size_t i = 0; i < baggage->length_bytes; i++)
        assert(baggage->text[i] > 0x20 && baggage->text[i] < 0x7f);
    for (; baggage_next(&rest, &entry); count++) {
        char key[256];
        assert(entry.key.length > 0);
        assert(baggage_decode(entry.value, value, sizeof value) == STATUS_OK);
        assert(text_utf8_prefix(text_of(value)) == strlen(value));
        if (entry.key.length < sizeof key) { /* each key is there once: the one that is found */
            static char again[BAGGAGE_MAX + 1];
            text_copy(entry.key, key, sizeof key);
            assert(baggage_find(baggage, key, again, sizeof again) == STATUS_OK);
            assert(strcmp(value, again) == 0);
        }
    }
    assert(count <= BAGGAGE_MEMBERS_MAX);
    return count;
}

static void change(struct baggage *baggage, struct text lines)
{
    static char plain[BAGGAGE_MAX + 1];
    static struct baggage before;
    struct text rest = lines;
    for (int i = 0; rest.data != NULL && i < 100; i++) {
        struct text key = text_split(&rest, '\n');
        struct text value = rest.data ? text_split(&rest, '\n') : (struct text){NULL, 0};
        struct text metadata = rest.data ? text_split(&rest, '\n') : (struct text){NULL, 0};
        before = *baggage;
        enum status status = baggage_set(baggage, key, value, metadata);
        if (status != STATUS_OK) {
            assert(baggage->length_bytes == before.length_bytes);
            assert(memcmp(baggage->text, before.text, before.length_bytes) == 0);
            continue;
        }
        char *name = strndup(key.data, key.length);
        assert(baggage_find(baggage, name, plain, sizeof plain) == STATUS_OK);
        /* What was set is what is read, up to a NUL, which C strings cannot tell. */
        assert(memchr(value.data ? value.data : "", 0, value.length) != NULL ||
               text_is(value, plain));
        free(name);
        size_t count = check(baggage);
        if (i % 3 == 2) {
            assert(baggage_remove(baggage, key));
            assert(check(baggage) == count - 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct remote_context once, again;
    char *bytes = malloc(size ? size : 1); /* exactly: one byte too far is a crash */
    if (size > 0)
        memcpy(bytes, data, size);
    struct text lines = {bytes, size}, sent = {NULL, 0};
    struct carrier_source source = {&lines, get_all, NULL}, back = {&sent, get_all, NULL};
    struct carrier_sink sink = {&sent, set};
    once.baggage.length_bytes = again.baggage.length_bytes = 0;
    baggage_header_extract(&source, &once);
    size_t count = check(&once.baggage);
    baggage_header_inject(NULL, &once.baggage, &sink);
    assert((sent.data != NULL) == (count > 0));
    baggage_header_extract(&back, &again);
    assert(text_equal(baggage_list(&once.baggage), baggage_list(&again.baggage)));
    change(&once.baggage, lines);
    free(bytes);
    return 0;
}
