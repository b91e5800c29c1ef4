/* libFuzzer: a request's head through the guard. The first line is the target, each other one a
 * header. What passes must keep the promises that the server rests on. */
#include <stdlib.h>
#include <string.h>

#include "http/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
    if (!truth)
        abort();
}

static void check_target(struct text line)
{
    char *target = malloc(line.length + 1);
    expect(target != NULL);
    text_copy(line, target, line.length + 1);
    if (guard_target(target).status == 0) {
        char *plain = malloc(line.length + 1);
        size_t length = 0;
        struct text path = {target, strcspn(target, "?")};
        size_t slashes = 0;
        expect(plain != NULL && target[0] == '/');
        expect(text_percent_decode(path, plain, &length) == STATUS_OK);
        for (size_t i = 0; i < length; i++) {
            expect((unsigned char)plain[i] >= 0x20 && plain[i] != 0x7f && plain[i] != '\\');
            slashes += plain[i] == '/';
        }
        for (size_t i = 0; i < path.length; i++)
            slashes -= path.data[i] == '/';
        expect(slashes == 0); /* no segment hides another */
        free(plain);
    }
    free(target);
}

static void check_headers(struct text lines, bool is_1_0)
{
    static const struct guard_hosts hosts = {"shop", "a.example, b.example"};
    struct guard_headers headers = {.hosts = &hosts, .is_1_0 = is_1_0};
    unsigned lengths = 0, encodings = 0;
    while (lines.data) {
        struct text value = text_split(&lines, '\n');
        struct text name = text_split(&value, ':');
        guard_header(&headers, name, value);
        lengths += text_equal_ignore_case(name, TEXT_LITERAL("content-length"));
        encodings += text_equal_ignore_case(name, TEXT_LITERAL("transfer-encoding"));
    }
    struct guard_verdict verdict = guard_headers_end(&headers);
    expect(verdict.status == 0 || (verdict.code && verdict.words));
    if (verdict.status == 0)
        expect(lengths + encodings <= 1 && (is_1_0 || headers.host_count == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size};
    struct text target = text_split(&rest, '\n');
    check_target(target);
    check_headers(rest, size % 2 == 0);
    return 0;
}
