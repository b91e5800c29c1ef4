#include "diagnose/n_plus_one_calls.h"

#include "tests/unit/loop_page.h"

#define ITEMS .name = "GET /items/{id}", .peer = "catalog", .least = 10, .most = 40

static const struct loop_row rows[] = {
    {.it = "it names a call an item", ITEMS, .wanted = "strong standing"},
    {.it = "it is sure where the baseline did it in one",
     ITEMS,
     .before = LOOP_BATCH,
     .wanted = "proved regression"},
    {.it = "it says standing where the baseline was the same",
     ITEMS,
     .before = LOOP_SAME,
     .wanted = "strong standing"},
    {.it = "it names calls of a peer that sends no spans",
     .name = "GET /items/{id}",
     .peer = "~partner",
     .least = 10,
     .most = 40,
     .before = LOOP_BATCH,
     .wanted = "proved regression"},
    {.it = "it names calls of one route whose names hold ids",
     .name = "GET /items/17",
     .peer = "catalog",
     .least = 10,
     .most = 40,
     .wanted = "strong standing"},
    {.it = "it follows the rows found before",
     .name = "GET /items/{id}",
     .peer = "catalog",
     .least = 18,
     .most = 22,
     .rows = true,
     .wanted = "strong standing"},
    {.it = "it names writes only where the baseline did with one",
     .name = "POST /items/{id}",
     .peer = "catalog",
     .least = 10,
     .most = 40,
     .before = LOOP_BATCH,
     .wanted = "proved regression"},

    {.it = "it does not take writes that may each be needed",
     .name = "POST /items/{id}",
     .peer = "catalog",
     .least = 10,
     .most = 40,
     .wanted = ""},
    {.it = "it does not take writes that are new",
     .name = "POST /items/{id}",
     .peer = "catalog",
     .least = 10,
     .most = 10,
     .before = LOOP_NOTHING,
     .wanted = ""},
    {.it = "it does not take more of the writes that there were before",
     .name = "POST /items/{id}",
     .peer = "catalog",
     .least = 10,
     .most = 40,
     .before = LOOP_TWO,
     .wanted = ""},
    {.it = "it does not take a fixed number of calls",
     .name = "GET /items/{id}",
     .peer = "catalog",
     .least = 8,
     .most = 8,
     .wanted = ""},
    {.it = "it does not take fewer than five",
     .name = "GET /items/{id}",
     .peer = "catalog",
     .least = 1,
     .most = 4,
     .wanted = ""},
    {.it = "it does not take asking for one thing until it is there",
     ITEMS,
     .same = true,
     .wanted = ""},
    {.it = "it does not take polling", ITEMS, .gap_ms = 20, .wanted = ""},
    {.it = "it does not take retries", ITEMS, .failing = 4, .wanted = ""},
    {.it = "it does not take pages of one answer",
     .name = "GET /items?cursor={cursor}",
     .peer = "catalog",
     .least = 10,
     .most = 40,
     .wanted = ""},
    {.it = "it does not take calls side by side that save nothing",
     ITEMS,
     .parallel = true,
     .call_ms = 0.5,
     .wanted = ""},
    {.it = "it needs five requests", ITEMS, .pages = 4, .wanted = ""},
};

static void check(void **state)
{
    loop_check_with(*state, FINDING_N_PLUS_ONE_CALLS, true);
    loop_check_with(*state, FINDING_N_PLUS_ONE_CALLS, false);
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check);
    return rows_run("n_plus_one_calls", &all);
}
