#include "loadgen/experiment/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/rows.h"

#define BASE   "http://127.0.0.1:16686"
#define MS(ms) ((uint64_t)(ms)*1000000)

struct row {
    const char *it;
    uint64_t now[2], before[2]; /* ms; 0: none */
    const char *link;
};

static const struct row rows[] = {
    {"it says a window as its start and its length",
     {1795892290100, 1795892298500},
     {0, 0},
     BASE "/findings?at=1795892290.1,8.4"},
    {"it says what it is compared with",
     {1795892290100, 1795892298500},
     {1795892233000, 1795892240000},
     BASE "/findings?at=1795892290.1,8.4&was=1795892233.0,7.0"},
    {"it rounds outwards",
     {1795892290199, 1795892298401},
     {1795892233099, 1795892240001},
     BASE "/findings?at=1795892290.1,8.4&was=1795892233.0,7.1"},
    {"it gives an empty window some length",
     {1795892290100, 1795892290100},
     {0, 0},
     BASE "/findings?at=1795892290.1,0.1"},
    {"it gives a window that was cut short some length",
     {1795892290100, 0},
     {0, 0},
     BASE "/findings?at=1795892290.1,0.1"},
};

static void check_findings(void **state)
{
    const struct row *row = *state;
    const struct window_result now = {.start_wall_ns = MS(row->now[0]),
                                      .end_wall_ns = MS(row->now[1])};
    const struct window_result before = {.start_wall_ns = MS(row->before[0]),
                                         .end_wall_ns = MS(row->before[1])};
    char out[LINKS_MAX];
    links_findings(out, BASE, &now, row->before[0] ? &before : NULL);
    assert_string_equal(out, row->link);
    assert_true(strlen(out) <= 84); /* a table of 110 columns has so much room for it */
}

static void check_trace(void **state)
{
    (void)state;
    const uint8_t id[16] = {0xab, [15] = 1};
    char out[LINKS_MAX];
    links_trace(out, BASE, id);
    assert_string_equal(out, BASE "/trace/ab000000000000000000000000000001");
}

static void check_base(void **state)
{
    (void)state;
    char path[] = "/tmp/links-XXXXXX";
    struct lab_config config = {.keep_path = NULL};
    struct target target = {.count = 0};
    assert_null(links_base(&config, &target));
    config.keep_path = path;
    assert_null(links_base(&config, &target)); /* not there: could not be kept */
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_string_equal(links_base(&config, &target), BASE);
    config.target_path = "target.json";
    assert_int_equal(target_add(&target, "query", "http://127.0.0.1:7"), STATUS_OK);
    assert_string_equal(links_base(&config, &target), "http://127.0.0.1:7");
    close(fd);
    unlink(path);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_findings);
    rows_one(&all, "it names a trace", check_trace);
    rows_one(&all, "it has a place to point to when traces are kept or the system runs on",
             check_base);
    return rows_run("links", &all);
}
